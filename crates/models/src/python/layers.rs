//! How PyTorch's layers are made.

use sapwood_core::{ConvSpec, Dims, Node, Op, State};

use super::{
    numbers::{is_number, number},
    windows::pair,
};

/// What a node needs in the constructor.
pub(super) enum Made {
    /// Nothing: it has no parameters.
    Nothing,
    /// A module, a parameter or a buffer under its name.
    Here(String),
    /// One of its own below that name.
    Below(&'static str, String),
}

/// What is made for a node that reads a value of these dimensions, in a network with these values.
pub(super) fn layer(node: &Node, x: Option<Dims>, state: &State) -> Made {
    let zeros = |sizes: &[usize]| format!("torch.zeros({})", tuple(sizes));
    let rank = x.map_or(0, |x| x.rank());
    Made::Here(match node.op {
        Op::Conv(spec) => conv(&spec),
        Op::Linear { inputs, outputs, bias, .. } => {
            format!("nn.Linear({inputs}, {outputs}{})", if bias { "" } else { ", bias=False" })
        }
        Op::BatchNorm { channels, epsilon, momentum } => {
            let kind = if rank == 4 { "2d" } else { "1d" };
            let mut more = String::new();
            if epsilon != 1e-5 {
                more += &format!(", eps={epsilon:?}");
            }
            if momentum != 0.1 {
                more += &format!(", momentum={momentum:?}");
            }
            format!("nn.BatchNorm{kind}({channels}{more})")
        }
        Op::LayerNorm { channels, epsilon, .. } => format!("nn.LayerNorm({channels}, eps={epsilon:?})"),
        Op::GroupNorm { groups, channels, epsilon } => {
            format!("nn.GroupNorm({groups}, {channels}, eps={epsilon:?})")
        }
        Op::Embedding { entries, width } => format!("nn.Embedding({entries}, {width})"),
        Op::Prelu { channels } => format!("nn.PReLU({channels})"),
        Op::Position(shape) => {
            return Made::Below("embedding", format!("nn.Parameter({})", zeros(&shape)));
        }
        Op::Constant { dims, learnt: true } => format!("nn.Parameter({})", zeros(dims.sizes())),
        Op::Constant { dims, learnt: false } => {
            let value = state.0.get(node.name.as_str()).filter(|_| is_number(&node.op));
            let value = value.and_then(|value| value.iter::<f64>().next());
            // In as many lists as it has dimensions.
            let listed =
                |value| format!("{}{}{}", "[".repeat(dims.rank()), number(value), "]".repeat(dims.rank()));
            value.map_or_else(|| zeros(dims.sizes()), listed)
        }
        _ => return Made::Nothing,
    })
}

fn conv(spec: &ConvSpec) -> String {
    let ConvSpec { inputs, outputs, kernel, stride, padding, groups, bias, dilation, spatial, transposed } =
        *spec;
    let kind = if transposed.is_some() { "ConvTranspose" } else { "Conv" };
    let mut said = format!("nn.{kind}{spatial}d({inputs}, {outputs}, {}", pair(kernel, spatial));
    let one = sapwood_core::Pair::both(1);
    if stride != one {
        said += &format!(", stride={}", pair(stride, spatial));
    }
    // What is not the same on both sides the forward pass adds, or takes off.
    let both = super::windows::both_sides(padding, transposed.is_some());
    if both.hw() != [0, 0] {
        said += &format!(", padding={}", pair(both, spatial));
    }
    if let Some(extra) = transposed.filter(|extra| extra.hw() != [0, 0]) {
        said += &format!(", output_padding={}", pair(extra, spatial));
    }
    if groups != 1 {
        said += &format!(", groups={groups}");
    }
    if !bias {
        said += ", bias=False";
    }
    if dilation != one {
        said += &format!(", dilation={}", pair(dilation, spatial));
    }
    said + ")"
}

/// Numbers as Python's tuple.
pub(super) fn tuple(numbers: &[usize]) -> String {
    match numbers {
        [one] => format!("({one},)"),
        numbers => {
            let said: Vec<String> = numbers.iter().map(ToString::to_string).collect();
            format!("({})", said.join(", "))
        }
    }
}
