//! The blocks of the published networks, as the published tables name them.
//!
//! A table of Cai et al. (2020) has an entry for each kind of block at one resolution. An inverted
//! residual block is one entry, whatever layers it has; MobileNetV3's are told apart by the number
//! of their hidden channels, ProxylessNAS's by how many times the input's these are.

use sapwood_core::{Activation, Graph, Node, Op, Shape};
use sapwood_search::Genome;
use sapwood_supernet::Family;

use crate::Error;

/// The keys of a sub-network's blocks, in order.
pub(super) fn keys(family: &Family, genome: &Genome) -> Result<Vec<String>, Error> {
    let graph = family.graph(genome)?;
    let shapes = graph.shapes(family.whole().input())?;
    let layers = Layers { graph: &graph, shapes: &shapes };
    let mobile = layers.find("final_expand_layer.conv").is_some();
    let (Some(stem), Some(mixer), Some(classifier)) = (
        layers.find("first_conv.conv"),
        layers.find("feature_mix_layer.conv"),
        layers.find("classifier.linear"),
    ) else {
        let problem = "published tables are of networks like MobileNetV3 and ProxylessNAS, but not of";
        return Err(Error::Tables(format!("{problem} `{}`", family.name())));
    };
    let mut keys = vec![layers.key("Conv", stem)];
    for number in 0.. {
        let name = format!("blocks.{number}.");
        let block: Vec<usize> = layers.weighted().filter(|id| layers.name(*id).starts_with(&name)).collect();
        match (block.is_empty(), layers.further(&name)) {
            (false, _) => keys.push(layers.block(&block, mobile)),
            // A stage that is not deep leaves numbers out.
            (true, true) => {}
            (true, false) => break,
        }
    }
    let [classes, ..] = shapes[classifier];
    match layers.find("final_expand_layer.conv") {
        Some(expand) => {
            let [c, h, w] = shapes[expand];
            keys.push(layers.key("Conv_1", expand));
            keys.push(format!("AvgPool2D-input:{h}x{w}x{c}-output:1x1x{c}"));
            keys.push(layers.key("Conv_2", mixer));
            let [c, ..] = shapes[mixer];
            keys.push(format!("Logits-input:1x1x{c}-output:{classes}"));
        }
        None => {
            let [c, h, w] = shapes[mixer];
            keys.push(layers.key("Conv_1", mixer));
            keys.push(format!("Logits-input:{h}x{w}x{c}-output:{classes}"));
        }
    }
    Ok(keys)
}

struct Layers<'a> {
    graph: &'a Graph,
    shapes: &'a [Shape],
}

impl Layers<'_> {
    fn node(&self, id: usize) -> &Node {
        &self.graph.nodes()[id]
    }

    fn name(&self, id: usize) -> &str {
        &self.node(id).name
    }

    fn find(&self, name: &str) -> Option<usize> {
        self.weighted().find(|id| self.name(*id) == name)
    }

    /// The convolutions and linear layers.
    fn weighted(&self) -> impl Iterator<Item = usize> {
        (0..self.graph.nodes().len())
            .filter(|id| matches!(self.node(*id).op, Op::Conv(_) | Op::Linear { .. }))
    }

    /// Whether there are blocks behind this one.
    fn further(&self, block: &str) -> bool {
        let number = |name: &str| name.strip_prefix("blocks.")?.split('.').next()?.parse::<usize>().ok();
        let this = number(block);
        self.weighted().any(|id| this < number(self.name(id)))
    }

    fn input(&self, id: usize) -> Shape {
        self.node(id).inputs.first().map_or([0; 3], |input| self.shapes[*input])
    }

    fn key(&self, kind: &str, id: usize) -> String {
        self.between(kind, self.input(id), self.shapes[id])
    }

    fn between(&self, kind: &str, [c, h, w]: Shape, [outputs, height, width]: Shape) -> String {
        format!("{kind}-input:{h}x{w}x{c}-output:{height}x{width}x{outputs}")
    }

    /// An inverted residual block with these layers.
    fn block(&self, layers: &[usize], mobile: bool) -> String {
        let (first, last) = (layers[0], layers[layers.len() - 1]);
        let (input, output) = (self.input(first), self.shapes[last]);
        let depthwise = layers.iter().find_map(|id| match self.node(*id).op {
            Op::Conv(conv) if self.name(*id).ends_with("depth_conv.conv") => Some(conv),
            _ => None,
        });
        let (hidden, kernel, stride) =
            depthwise.map_or((0, 0, 0), |conv| (conv.outputs, conv.kernel.h, conv.stride.h));
        let skip = u8::from(stride == 1 && input[0] == output[0]);
        let mut key = self.between("expanded_conv", input, output);
        // The ratio is that of the space, and what was rounded is near it.
        let expand = if mobile { hidden } else { (hidden + input[0] / 2) / input[0].max(1) };
        key += &format!("-expand:{expand}-kernel:{kernel}-stride:{stride}-idskip:{skip}");
        if mobile {
            let squeezed = layers.iter().any(|id| self.name(*id).contains(".se."));
            let bent = (first..last).find_map(|id| match self.node(id).op {
                Op::Activation(activation) => Some(activation),
                _ => None,
            });
            let (se, hs) = (u8::from(squeezed), u8::from(bent == Some(Activation::HSwish)));
            key += &format!("-se:{se}-hs:{hs}");
        }
        key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn family(name: &str) -> Family {
        sapwood_supernet::family(name, Some([3, 224, 224]), None).unwrap()
    }

    #[test]
    fn the_keys_of_the_published_networks_are_the_published_ones() {
        // Written by hand, by the rules of the published tables and the widths of the networks.
        let family = family("ofa-mbv3-w1.2");
        let arch = serde_json::json!({
            "r": 192, "d": [2, 2, 2, 2, 2], "ks": vec![3; 20], "e": vec![4; 20],
        });
        let genome = family.space().from_json(&arch).unwrap();
        let found = keys(&family, &genome).unwrap();
        assert_eq!(found.len(), 1 + 1 + 10 + 4);
        assert_eq!(found[0], "Conv-input:192x192x3-output:96x96x24");
        assert_eq!(
            found[1],
            "expanded_conv-input:96x96x24-output:96x96x24-expand:24-kernel:3-stride:1-idskip:1-se:0-hs:0"
        );
        assert_eq!(
            found[2],
            "expanded_conv-input:96x96x24-output:48x48x32-expand:96-kernel:3-stride:2-idskip:0-se:0-hs:0"
        );
        assert_eq!(
            found[11],
            "expanded_conv-input:6x6x192-output:6x6x192-expand:768-kernel:3-stride:1-idskip:1-se:1-hs:1"
        );
        assert_eq!(
            found[12..],
            [
                "Conv_1-input:6x6x192-output:6x6x1152",
                "AvgPool2D-input:6x6x1152-output:1x1x1152",
                "Conv_2-input:1x1x1152-output:1x1x1536",
                "Logits-input:1x1x1536-output:1000",
            ]
        );
        let family = self::family("ofa-proxyless-w1.3");
        let found = keys(&family, &family.largest()).unwrap();
        assert_eq!(found.len(), 1 + 1 + 21 + 2);
        assert_eq!(
            found[2],
            "expanded_conv-input:112x112x24-output:56x56x32-expand:6-kernel:7-stride:2-idskip:0"
        );
        assert_eq!(
            found[23..],
            ["Conv_1-input:7x7x416-output:7x7x1664", "Logits-input:7x7x1664-output:1000"]
        );
        let tiny = sapwood_supernet::family("resnet-tiny-image", None, None).unwrap();
        assert!(keys(&tiny, &tiny.largest()).unwrap_err().to_string().contains("`resnet-tiny-image`"));
    }
}
