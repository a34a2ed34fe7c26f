//! What a layer is called.

use std::collections::BTreeMap;

/// The names that are taken, each with the number that it has next if it is asked for again.
#[derive(Debug, Default)]
pub(super) struct Names(BTreeMap<String, usize>);

impl Names {
    /// The layer that parameters tell by their names in the file (`layer1.0.conv1.weight`), for each the suffix by which it
    /// would, unless another one is called so.
    pub(super) fn told(&self, params: &[(&str, &str)]) -> Option<String> {
        params.iter().filter_map(layer_of).find(|layer| !self.0.contains_key(layer))
    }

    /// A layer's name: that which its parameters tell; else that of its node; else that of its kind. Made unique.
    pub(super) fn layer(&mut self, told: Option<String>, node: &str, kind: &str) -> String {
        self.unique(told.or_else(|| of_node(node)).unwrap_or_else(|| kind.into()))
    }

    /// The name that its bias tells of a layer whose other parameters told none, in the place of the one it has. A module
    /// around the layer is none: the decoder of a language model may take a bias that lies beside it.
    pub(super) fn by_bias(&mut self, layer: &str, bias: &str) -> Option<String> {
        let told = self.told(&[(bias, "bias")])?;
        if layer.strip_prefix(told.as_str()).is_some_and(|rest| rest.starts_with('.')) {
            return None;
        }
        self.release(layer);
        Some(self.unique(told))
    }

    /// Frees the name of a layer that was a part of another.
    pub(super) fn release(&mut self, layer: &str) {
        self.0.remove(layer);
    }

    /// A constant's name: its own, or that of the module that has it.
    pub(super) fn constant(&mut self, name: &str) -> String {
        self.unique(of_node(name).unwrap_or_else(|| "constant".into()))
    }

    fn unique(&mut self, name: String) -> String {
        let mut unique = name.clone();
        while self.0.contains_key(&unique) {
            let next = self.0.entry(name.clone()).or_default();
            unique = format!("{name}_{next}");
            *next += 1;
        }
        self.0.insert(unique.clone(), 2);
        unique
    }
}

/// The layer that a parameter tells by its name. The three projections of `nn.MultiheadAttention` are one layer, whose
/// parameters have its name without a point: `attn.in_proj_weight`.
fn layer_of((name, suffix): &(&str, &str)) -> Option<String> {
    let before = name.strip_suffix(suffix)?;
    let projections = |layer: &&str| layer.rsplit('.').next() == Some("in_proj");
    let layer = before.strip_suffix('.').or_else(|| before.strip_suffix('_').filter(projections))?;
    (!layer.is_empty()).then(|| layer.to_string())
}

/// The module of a node that PyTorch's exporter names by the modules around it:
/// `/layer1/layer1.0/conv1/Conv` is `layer1.0.conv1`, since a part that begins with the one before
/// says that again. What has no such form names the layer as it is.
fn of_node(node: &str) -> Option<String> {
    let Some((modules, _)) = node.rsplit_once('/') else {
        return (!node.is_empty()).then(|| node.into());
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in modules.split('/').filter(|part| !part.is_empty()) {
        let again =
            parts.last().is_some_and(|last| part.strip_prefix(last).is_some_and(|p| p.starts_with('.')));
        if again {
            parts.pop();
        }
        parts.push(part);
    }
    (!parts.is_empty()).then(|| parts.join("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(names: &mut Names, params: &[(&str, &str)], node: &str, kind: &str) -> String {
        let told = names.told(params);
        names.layer(told, node, kind)
    }

    #[test]
    fn pytorch_s_names_come_back_from_parameters_or_from_nodes() {
        let mut names = Names::default();
        let mut layer =
            |params: &[(&str, &str)], node: &str, kind: &str| layer(&mut names, params, node, kind);
        let node = "/layer1/layer1.0/conv1/Conv";
        assert_eq!(layer(&[("layer1.0.conv1.weight", "weight")], "", "conv"), "layer1.0.conv1");
        assert_eq!(layer(&[("onnx::Conv_193", "weight"), ("", "bias")], node, "conv"), "layer1.0.conv1_2");
        let deep = "/features/features.1/conv/conv.0/conv.0.0/Conv";
        assert_eq!(layer(&[("onnx::Conv_541", "weight")], deep, "conv"), "features.1.conv.0.0");
        let of_bias = [("onnx::MatMul_3", "weight"), ("fc.bias", "bias")];
        assert_eq!(layer(&of_bias, "/fc/MatMul", "linear"), "fc");
        assert_eq!(layer(&[("w", "weight")], "Conv_0", "conv"), "Conv_0");
        assert_eq!([0; 2].map(|_| layer(&[("", "weight")], "", "conv")), ["conv", "conv_2"]);
        assert_eq!(layer(&[("attn.in_proj_weight", "weight")], "/attn/MatMul", "linear"), "attn.in_proj");
        assert_eq!(layer(&[("my_weight", "weight")], "/own/MatMul", "linear"), "own");
    }

    #[test]
    fn a_bias_that_comes_later_tells_the_layer_and_frees_the_name_it_had() {
        let mut names = Names::default();
        assert_eq!(layer(&mut names, &[("onnx::MatMul_1", "weight")], "/attn/MatMul", "linear"), "attn");
        assert_eq!(names.by_bias("attn", "attn.in_proj_bias").unwrap(), "attn.in_proj");
        assert_eq!(layer(&mut names, &[], "/attn/MatMul_1", "linear"), "attn");
        for none in ["attn.in_proj_bias", "onnx::Add_3", "bias", ".bias"] {
            assert_eq!(names.by_bias("attn", none), None, "{none}");
        }
    }

    #[test]
    fn a_bias_of_the_module_around_a_layer_does_not_call_the_layer_like_that() {
        let mut names = Names::default();
        let tied = [("onnx::MatMul_9", "weight")];
        assert_eq!(layer(&mut names, &tied, "/lm_head/decoder/MatMul", "linear"), "lm_head.decoder");
        assert_eq!(names.by_bias("lm_head.decoder", "lm_head.bias"), None);
        assert_eq!(layer(&mut names, &tied, "/lm_head/decoder/MatMul", "linear"), "lm_head.decoder_2");
        assert_eq!(names.by_bias("lm_head.decoder_2", "lm.bias").unwrap(), "lm");
    }
}
