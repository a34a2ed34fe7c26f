//! Layers under dotted names, as modules in modules.

use sapwood_core::{Dims, Graph, Node, Op, State, graph::Error};

use super::layers::{Made, layer};

/// What is below one part of a name.
#[derive(Default)]
pub(super) struct Tree {
    /// What stands here, if something does.
    made: Option<String>,
    /// What lies below it, in the order in which it was met.
    parts: Vec<(String, Tree)>,
}

impl Tree {
    pub(super) fn of((graph, state): (&Graph, &State), dims: &[Dims]) -> Result<Self, Error> {
        let mut tree = Self::default();
        for node in graph.nodes() {
            let x = node.inputs.first().map(|from| dims[*from]);
            let (path, made) = match layer(node, x, state) {
                Made::Nothing => continue,
                Made::Here(made) => (node.name.clone(), made),
                Made::Below(name, made) => (format!("{}.{name}", node.name), made),
            };
            tree.at(&path).made = Some(made);
        }
        let is_unsaid = |node: &&Node| {
            let is_tensor = matches!(node.op, Op::Constant { .. });
            tree.path(&node.name).is_none() || is_tensor && tree.has_parts(&node.name)
        };
        let unsaid = graph.nodes().iter().filter(|node| node.op.has_parameters()).find(is_unsaid);
        match unsaid {
            None => Ok(tree),
            Some(node) => Err(Error::Graph {
                layer: node.name.clone(),
                problem: "no module of PyTorch's can have such a name within another layer's".into(),
            }),
        }
    }

    fn at(&mut self, path: &str) -> &mut Self {
        path.split('.').fold(self, |tree, part| {
            let known = tree.parts.iter().position(|(name, _)| name == part);
            let at = known.unwrap_or_else(|| {
                tree.parts.push((part.into(), Self::default()));
                tree.parts.len() - 1
            });
            &mut tree.parts[at].1
        })
    }

    /// Whether something lies below a name.
    fn has_parts(&self, name: &str) -> bool {
        let below = name.split('.').try_fold(self, |tree, part| {
            tree.parts.iter().find(|(name, _)| name == part).map(|(_, below)| below)
        });
        below.is_some_and(|tree| !tree.parts.is_empty())
    }

    /// How a forward pass says a layer: `self.layer1["0"].conv1`. None where it cannot.
    pub(super) fn path(&self, name: &str) -> Option<String> {
        let (mut said, mut tree) = (String::from("self"), self);
        for part in name.split('.') {
            let subscripts = tree.made.is_none();
            let (_, below) = tree.parts.iter().find(|(name, _)| name == part)?;
            said += &match is_attribute(part) {
                true => format!(".{part}"),
                false if subscripts => format!("[{}]", literal(part)),
                false => return None,
            };
            tree = below;
        }
        Some(said)
    }

    /// The dictionary of what lies below, at this depth.
    pub(super) fn text(&self, depth: usize) -> String {
        let indent = "    ".repeat(depth);
        let mut text = String::from("{\n");
        for (name, part) in &self.parts {
            let made = match (&part.made, part.parts.is_empty()) {
                (Some(made), true) => made.clone(),
                (Some(made), false) => format!("grow({made}, {})", part.text(depth + 1)),
                (None, _) => format!("Layers({})", part.text(depth + 1)),
            };
            text += &format!("{indent}    {}: {made},\n", literal(name));
        }
        text + &indent + "}"
    }
}

/// A text as Python writes it: a text of JSON is one.
fn literal(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Whether what lies under a name of a module can be read as its attribute.
fn is_attribute(name: &str) -> bool {
    let mut chars = name.chars();
    let first = chars.next().is_some_and(|c| c.is_ascii_alphabetic());
    let plain = first && chars.all(|c| c == '_' || c.is_ascii_alphanumeric());
    plain && !is_keyword(name) && !OF_MODULES.split_whitespace().any(|own| own == name)
}

/// What every module has already.
const OF_MODULES: &str = "T_destination add_module apply bfloat16 buffers call_super_init children compile cpu cuda double dump_patches \
    eval extra_repr float forward get_buffer get_extra_state get_parameter get_submodule half ipu load_state_dict modules mtia \
    named_buffers named_children named_modules named_parameters parameters register_backward_hook register_buffer \
    register_forward_hook register_forward_pre_hook register_full_backward_hook register_full_backward_pre_hook \
    register_load_state_dict_post_hook register_load_state_dict_pre_hook register_module register_parameter \
    register_state_dict_post_hook register_state_dict_pre_hook requires_grad_ set_extra_state set_submodule share_memory \
    state_dict to to_empty train training type xpu zero_grad";

pub(super) fn is_keyword(name: &str) -> bool {
    const KEYWORDS: &str = "False None True and as assert async await break class continue def del elif else except finally for from \
        global if import in is lambda nonlocal not or pass raise return try while with yield";
    KEYWORDS.split_whitespace().any(|keyword| keyword == name)
}
