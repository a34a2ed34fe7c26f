//! The blocks of the published networks, as the published tables name them.
//!
//! A table of Cai et al. (2020) has an entry for each kind of block at one resolution. An inverted
//! residual block is one entry, whatever layers it has; MobileNetV3's are told apart by the number
//! of their hidden channels, ProxylessNAS's by how many times the input's these are.

use sapwood_core::{Activation, Graph, Node, Op, Shape};
use sapwood_search::{Genome, LatencyTable};
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
        return Err(Error::Usage(format!("{problem} `{}`", family.name())));
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

/// One table of several in the published form, which are of a resolution each. Says which options
/// of the choice `r` it is for.
///
/// # Errors
/// A block with different times, a space that has no published tables, or one of which no network
/// has all of its blocks in the tables.
pub fn import(tables: Vec<LatencyTable>, family: &Family) -> Result<(LatencyTable, Vec<String>), Error> {
    let mut tables = tables.into_iter();
    let mut whole = tables.next().ok_or_else(|| Error::Usage("expected at least one table".into()))?;
    for table in tables {
        for (key, block) in table.blocks {
            let known = *whole.blocks.entry(key.clone()).or_insert(block);
            if known != block {
                let problem =
                    format!("block `{key}` takes {} ms in one table and {} in another", known.ms, block.ms);
                return Err(Error::Usage(format!("{problem}: give tables of one device")));
            }
        }
    }
    let largest = family.largest();
    // Of a space that has no published tables this says so.
    keys(family, &largest)?;
    let at = family.space().choices().iter().position(|choice| choice.name() == "r");
    let resolutions = at.map(|at| family.space().choices()[at].options()).unwrap_or_default();
    let (mut found, mut lacking) = (Vec::new(), None);
    for (option, resolution) in resolutions.iter().enumerate() {
        let mut positions = largest.positions().to_vec();
        at.iter().for_each(|at| positions[*at] = option as u8);
        match whole.predict(keys(family, &family.space().genome(&positions)?)?) {
            Ok(_) => found.push(resolution.clone()),
            Err(error) => lacking = Some(error),
        }
    }
    match lacking {
        Some(error) if found.is_empty() => Err(error.into()),
        _ => Ok((whole, found)),
    }
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
            depthwise.map_or((0, 0, 0), |conv| (conv.outputs, conv.kernel, conv.stride));
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
    use sapwood_search::BlockTime;

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
    }

    #[test]
    fn tables_of_several_resolutions_are_one_and_those_of_another_space_are_refused() {
        let family = family("ofa-mbv3-w1.2");
        let table = |resolution: u32| {
            let mut largest = family.space().to_json(&family.largest());
            largest["r"] = resolution.into();
            let keys = keys(&family, &family.space().from_json(&largest).unwrap()).unwrap();
            let lines: String = keys
                .into_iter()
                .collect::<std::collections::BTreeSet<_>>()
                .iter()
                .map(|key| format!("{key}:\n  mean: 0.5\n"))
                .collect();
            LatencyTable::from_yaml(&lines, family.name(), "phone", 1).unwrap()
        };
        let (both, resolutions) = import(vec![table(160), table(224)], &family).unwrap();
        assert_eq!(resolutions, ["160", "224"]);
        assert_eq!(super::super::predicted(&both, &family, &family.largest()).unwrap(), 0.5 * 26.0);
        let error = super::super::predicted(&table(160), &family, &family.largest()).unwrap_err();
        assert!(error.to_string().contains("Conv-input:224x224x3"), "{error}");

        let mut slower = table(160);
        slower.blocks.values_mut().for_each(|block| *block = BlockTime { ms: 0.75, ..*block });
        let error = import(vec![table(160), slower], &family).unwrap_err().to_string();
        assert!(error.contains("0.5 ms in one table and 0.75 in another"), "{error}");
        let error = import(vec![table(160)], &self::family("ofa-mbv3-w1.0")).unwrap_err().to_string();
        assert!(error.contains("lacks the times of"), "{error}");
        let mlp = sapwood_supernet::family("resnet-tiny-image", None, None).unwrap();
        assert!(keys(&mlp, &mlp.largest()).unwrap_err().to_string().contains("`resnet-tiny-image`"));
    }
}
