//! What a layer is called.

use std::collections::BTreeMap;

/// The names that are taken, each with the number that it has next if it is asked for again.
#[derive(Debug, Default)]
pub(super) struct Names(BTreeMap<String, usize>);

impl Names {
    /// A layer's name: that which its parameters have in the file (`layer1.0.conv1.weight`), for each the
    /// suffix by which it would tell; else that of its node; else that of its kind. Made unique.
    pub(super) fn layer(&mut self, params: &[(&str, &str)], node: &str, kind: &str) -> String {
        let says = |(name, suffix): &(&str, &str)| {
            let layer = name.strip_suffix(suffix)?.strip_suffix('.')?;
            (!layer.is_empty()).then(|| layer.to_string())
        };
        let of_params = params.iter().filter_map(says).find(|layer| !self.0.contains_key(layer));
        self.unique(of_params.or_else(|| of_node(node)).unwrap_or_else(|| kind.into()))
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

    #[test]
    fn pytorch_s_names_come_back_from_parameters_or_from_nodes() {
        let mut names = Names::default();
        let node = "/layer1/layer1.0/conv1/Conv";
        assert_eq!(names.layer(&[("layer1.0.conv1.weight", "weight")], "", "conv"), "layer1.0.conv1");
        assert_eq!(
            names.layer(&[("onnx::Conv_193", "weight"), ("", "bias")], node, "conv"),
            "layer1.0.conv1_2"
        );
        let deep = "/features/features.1/conv/conv.0/conv.0.0/Conv";
        assert_eq!(names.layer(&[("onnx::Conv_541", "weight")], deep, "conv"), "features.1.conv.0.0");
        let of_bias = [("onnx::MatMul_3", "weight"), ("fc.bias", "bias")];
        assert_eq!(names.layer(&of_bias, "/fc/MatMul", "linear"), "fc");
        assert_eq!(names.layer(&[("w", "weight")], "Conv_0", "conv"), "Conv_0");
        assert_eq!([0; 2].map(|_| names.layer(&[("", "weight")], "", "conv")), ["conv", "conv_2"]);
    }
}
