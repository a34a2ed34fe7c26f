//! What goes into a network.

use sapwood_graph::{Dims, Entry};

use crate::{
    Error,
    proto::{Dim, ValueInfo, data_type},
};

/// The largest size of a dimension.
const MOST: usize = 1 << 24;

/// What an input is called in the file, what it is to a network, and of how many examples, if the file says that.
///
/// The first dimension counts examples, whether it is a number or not. Where others are no numbers, or none are said,
/// somebody has to say them, of the first input alone.
pub(super) fn entry<'a>(
    at: usize,
    input: &ValueInfo<'a>,
    example: Option<&[usize]>,
) -> Result<(&'a str, (Entry, Option<i64>)), Error> {
    let integers = match input.data_type {
        Some(data_type::FLOAT) => false,
        Some(data_type::INT32 | data_type::INT64) => true,
        _ => {
            return Err(Error::Ends(format!(
                "expected an input in f32, or of integers of 32 or 64 bits: {} is of another type; export the network so that it \
                 takes f32, without the cast of stored images",
                said(input)
            )));
        }
    };
    let rank = input.dims.as_ref().map(|dims| dims.len().saturating_sub(1));
    let example = example.filter(|_| at == 0).map(|example| in_rank(example, rank));
    let dims = match (&input.dims, &example) {
        (Some(dims), _) => dims.clone(),
        (None, Some(example)) => vec![Dim::Named(""); 1 + example.len()],
        (None, None) => return Err(open(at, input)),
    };
    let found = match (sizes(&dims, example.as_deref()), example) {
        (Some(sizes), _) => sizes,
        (None, Some(example)) => {
            return Err(Error::Ends(format!(
                "examples of {example:?} do not go into its input {}",
                said(input)
            )));
        }
        (None, None) => return Err(open(at, input)),
    };
    let found = Dims::batch_of(&found).filter(|found| !dims.is_empty() && found.values() <= 1 << 40);
    let found = found.ok_or_else(|| {
        Error::Ends(format!(
            "expected an input of 1 to 6 dimensions, with at most 2^40 values in an example, found {}",
            said(input)
        ))
    })?;
    let fixed = match dims.first() {
        Some(Dim::Number(examples)) if 0 < *examples => Some(*examples),
        _ => None,
    };
    Ok((input.name, (Entry { name: input.name.into(), dims: found, integers }, fixed)))
}

/// The sizes of an example, of which one that is asked for says those that are open and has to be of the others.
fn sizes(dims: &[Dim<'_>], example: Option<&[usize]>) -> Option<Vec<usize>> {
    let fits = |size: &usize| (1..=MOST).contains(size);
    let size = |(at, dim): (usize, &Dim<'_>)| {
        let asked = example.map(|example| example.get(at).copied().filter(fits));
        // Exporters write what is open as a name, as nothing, or as -1.
        let said = match dim {
            Dim::Number(size) => usize::try_from(*size).ok().filter(fits),
            Dim::Named(_) => None,
        };
        match (said, asked) {
            (Some(said), Some(asked)) => asked.filter(|asked| *asked == said),
            (Some(said), None) => Some(said),
            (None, asked) => asked.flatten(),
        }
    };
    let sizes = dims.iter().skip(1).enumerate().map(size).collect::<Option<Vec<usize>>>()?;
    Some(sizes).filter(|sizes| example.is_none_or(|example| example.len() == sizes.len()))
}

/// An input of which more is open than the number of examples.
fn open(at: usize, input: &ValueInfo<'_>) -> Error {
    let found = said(input);
    match at {
        0 => Error::OpenSize { found },
        _ => Error::Ends(format!(
            "its input {found} is open, and a size can be given for the first input alone: export it with numbers for all \
             dimensions but the first"
        )),
    }
}

/// An input as the file says it.
fn said(input: &ValueInfo<'_>) -> String {
    let Some(dims) = &input.dims else { return format!("`{}` without a shape", input.name) };
    let dims = dims.iter().map(|dim| match dim {
        Dim::Number(size) => size.to_string(),
        Dim::Named("") => "?".into(),
        Dim::Named(name) => (*name).into(),
    });
    format!("`{}` [{}]", input.name, dims.collect::<Vec<_>>().join(", "))
}

/// An example in as many dimensions as a file has for one, or in as few as can be where it does not say that:
/// `[C, 1, L]` is `[C, L]` there, and `[C, 1, 1]` is `[C]`.
fn in_rank(example: &[usize], rank: Option<usize>) -> Vec<usize> {
    match (example, rank) {
        (&[values, 1, 1], Some(1) | None) => vec![values],
        (&[c, 1, l], Some(2) | None) => vec![c, l],
        _ => example.to_vec(),
    }
}
