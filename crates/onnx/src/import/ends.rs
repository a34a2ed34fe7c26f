//! What goes into a network.

use sapwood_graph::{Dims, Entry};

use crate::{
    Error,
    proto::{Dim, ValueInfo, data_type},
};

/// What an input is called in the file, what it is to a network, and of how many examples, if the file says that.
///
/// The first dimension counts examples, whether it is a number or not. Where others are no numbers, somebody has to say
/// them.
pub(super) fn entry<'a>(
    input: &ValueInfo<'a>,
    example: Option<&[usize]>,
) -> Result<(&'a str, (Entry, Option<i64>)), Error> {
    const MOST: usize = 1 << 24;
    let said = || {
        let dims = input.dims.as_deref().unwrap_or_default().iter().map(|dim| match dim {
            Dim::Number(size) => size.to_string(),
            Dim::Named("") => "?".into(),
            Dim::Named(name) => (*name).into(),
        });
        format!("`{}` [{}]", input.name, dims.collect::<Vec<_>>().join(", "))
    };
    let integers = match input.data_type {
        Some(data_type::FLOAT) => false,
        Some(data_type::INT32 | data_type::INT64) => true,
        _ => {
            return Err(Error::Ends(format!(
                "expected an input in f32, or of integers of 32 or 64 bits: {} is of another type; export the network so that it \
                 takes f32, without the cast of stored images",
                said()
            )));
        }
    };
    let dims = input.dims.as_deref().unwrap_or_default();
    let example = example.map(|example| in_rank(example, dims.len().saturating_sub(1)));
    let example = example.as_deref();
    // Exporters write what is open as a name, as nothing, or as -1.
    let said_size = |dim: &Dim<'_>| match dim {
        Dim::Number(size) => usize::try_from(*size).ok().filter(|size| (1..=MOST).contains(size)),
        Dim::Named(_) => None,
    };
    let size = |(at, dim): (usize, &Dim<'_>)| {
        let asked = example.map(|example| example.get(at).copied().filter(|size| (1..=MOST).contains(size)));
        match (said_size(dim), asked) {
            (Some(said), Some(asked)) => asked.filter(|asked| *asked == said),
            (Some(said), None) => Some(said),
            (None, asked) => asked.flatten(),
        }
    };
    let sizes = dims.iter().skip(1).enumerate().map(size).collect::<Option<Vec<usize>>>();
    let sizes =
        sizes.filter(|sizes| !dims.is_empty() && example.is_none_or(|example| example.len() == sizes.len()));
    if let (None, Some(example)) = (&sizes, example) {
        return Err(Error::Ends(format!("examples of {example:?} do not go into its input {}", said())));
    }
    let found = sizes.and_then(|example| Dims::batch_of(&example)).filter(|dims| dims.values() <= 1 << 40);
    let found = found.ok_or_else(|| Error::OpenSize { found: said().to_string() })?;
    let fixed = match dims.first() {
        Some(Dim::Number(examples)) if 0 < *examples => Some(*examples),
        _ => None,
    };
    Ok((input.name, (Entry { name: input.name.into(), dims: found, integers }, fixed)))
}

/// An example in as many dimensions as a file has for one: `[C, 1, L]` is `[C, L]` there, and `[C, 1, 1]` is `[C]`.
fn in_rank(example: &[usize], rank: usize) -> Vec<usize> {
    match (example, rank) {
        (&[c, 1, l], 2) => vec![c, l],
        (&[values, 1, 1], 1) => vec![values],
        _ => example.to_vec(),
    }
}
