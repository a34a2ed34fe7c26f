//! What PyTorch has no function for.

/// A function that is written only where it is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Function {
    Attention,
    AveragePool,
    Edges,
    Resized,
}

impl Function {
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Attention => ATTENTION,
            Self::AveragePool => AVERAGE_POOL,
            Self::Edges => EDGES,
            Self::Resized => RESIZED,
        }
    }
}

const ATTENTION: &str = r#"
def attention(queries, keys, values, heads):
    """Attention between the places of [n, channels, ...], the channels of a head together."""
    split = (x.flatten(2).unflatten(1, (heads, -1)).transpose(2, 3) for x in (queries, keys, values))
    return F.scaled_dot_product_attention(*split).transpose(2, 3).reshape(queries.shape)

"#;

const AVERAGE_POOL: &str = r#"
def average_pool(x, pads, kernel, stride, ceil_mode):
    """The means of what windows hold of the planes themselves."""
    pool = F.avg_pool1d if x.dim() == 3 else F.avg_pool2d
    mean = lambda x: pool(F.pad(x, pads), kernel, stride, ceil_mode=ceil_mode)  # noqa: E731
    return mean(x) / mean(torch.ones_like(x[:1, :1]))

"#;

const EDGES: &str = r#"
def edges(x, dim, before, after, mode):
    """A dimension between what its own values give for both sides."""
    last = x.shape[dim] - 1
    places = torch.arange(-before, last + 1 + after, device=x.device)
    if mode == "reflect":
        places = last - (last - places.abs()).abs()
    elif mode == "edge":
        places = places.clamp(0, last)
    else:
        places = places % (last + 1)
    return x.index_select(dim, places)

"#;

const RESIZED: &str = r#"
def resized(x, sizes, interpolation, mode):
    """Planes of another size, with the places of pixels as fractions."""
    for dim, after in enumerate(sizes, 2):
        before = x.shape[dim]
        if before == after:
            continue
        if mode == "half-pixel":
            places = [((2 * i + 1) * before - after, 2 * after) for i in range(after)]
        elif mode == "asymmetric":
            places = [(i * before, after) for i in range(after)]
        else:
            places = [(i * (before - 1), after - 1) if after > 1 else (0, 1) for i in range(after)]

        def pick(indices):
            indices = [min(max(i, 0), before - 1) for i in indices]
            return x.index_select(dim, torch.tensor(indices, device=x.device))

        if interpolation == "linear":
            first = [max(over, 0) // under for over, under in places]
            near = [max(over, 0) % under / under for over, under in places]
            near = torch.tensor(near, dtype=torch.float64, device=x.device).to(x.dtype)
            near = near.reshape(-1, *[1] * (x.dim() - dim - 1))
            x = pick(first) * (1 - near) + pick([i + 1 for i in first]) * near
        elif interpolation == "nearest":
            x = pick([over // under for over, under in places])
        else:
            x = pick([-((under - 2 * over) // (2 * under)) for over, under in places])
    return x

"#;
