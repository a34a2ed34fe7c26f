//! How a tensor is to be coded, and which way is the shortest.

use crate::{
    Code, Coded, Element, Error, Kind, Positions, Result,
    alphabet::Alphabet,
    body::{Layout, Source},
    coded::Header,
    lines,
    stream::MANY,
};

/// What is known of a tensor, and what is wanted of its code: usually the fewest bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coder {
    width: usize,
    code: Option<Code>,
    positions: Option<Positions>,
}

impl Coder {
    /// For a tensor with rows of this number of values; 1 if it has no rows. The adaptive code looks at the
    /// same column of earlier rows: of weights that is one input to all outputs.
    pub fn rows(width: usize) -> Self {
        Self { width, code: None, positions: None }
    }

    /// In this code, instead of whatever is shortest.
    pub fn code(self, code: Code) -> Self {
        Self { code: Some(code), ..self }
    }

    /// With positions in this way, instead of whatever is shortest.
    pub fn positions(self, positions: Positions) -> Self {
        Self { positions: Some(positions), ..self }
    }

    /// Codes values, in the order of rows. The same values give the same bytes on every machine.
    ///
    /// Of all ways that were not excluded the shortest is taken, and of equals the first in the order
    /// of [`Positions`]; one that reads many times slower only where it saves a twentieth.
    ///
    /// # Errors
    /// If the code that was asked for does not go with the positions: [`Positions::Coder`] is the
    /// adaptive code's.
    pub fn encode<T: Element>(&self, values: &[T]) -> Result<Coded> {
        let levels: Vec<i32> = values.iter().map(|value| value.to_level()).collect();
        let alphabet = Alphabet::of(&levels);
        let width = self.width.clamp(1, levels.len().max(1));
        let source = Source { kind: T::KIND, levels: &levels, alphabet: alphabet.as_ref(), width, line: 0 };
        let lines = lines::lines(&levels, width).into_iter().map(|line| Source { line, ..source });
        let sources: Vec<Source<'_>> = std::iter::once(source).chain(lines).collect();

        let mut best: Option<(Header, Vec<u8>)> = None;
        let mut least = usize::MAX;
        for positions in
            Positions::ALL.into_iter().filter(|way| self.positions.is_none_or(|only| only == *way))
        {
            for source in &sources {
                for (layout, code, body) in ways(source, self.code, positions) {
                    let header = Header { kind: T::KIND, code, positions, layout, count: levels.len() };
                    let price = price(layout, positions, levels.len(), body.len());
                    if price < least || best.is_none() {
                        (least, best) = (price, Some((header, body)));
                    }
                }
            }
        }
        match (best, self.code, self.positions) {
            (Some((header, body)), ..) => Ok(Coded::seal(header, &body)),
            (None, code, positions) => Err(Error::Positions {
                code: code.unwrap_or(Code::Raw),
                positions: positions.unwrap_or(Positions::Inline),
                expected: "inline, gaps or bitmap",
            }),
        }
    }
}

/// What a body of this number of bytes counts as. Where values are not few, those that are kept take most of the
/// bytes, and decisions about all others most of the time to read them: they have to be worth it.
fn price(layout: Layout, positions: Positions, count: usize, bytes: usize) -> usize {
    match (layout, positions) {
        (Layout::Planes, Positions::Coder) if MANY <= count => bytes + bytes / 20,
        _ => bytes,
    }
}

/// The bodies with these positions, and the code of each: the one that is asked for.
fn ways(source: &Source<'_>, only: Option<Code>, positions: Positions) -> Vec<(Layout, Code, Vec<u8>)> {
    let mut ways = Vec::new();
    let foreseen = positions == Positions::Coder;
    // What does not look at neighbours is the same with lines and without.
    if foreseen && only.is_some_and(|code| code != Code::Adaptive) || !foreseen && source.line != 0 {
        return ways;
    }
    let integers = matches!(source.kind, Kind::I32 | Kind::I8);
    if foreseen && (integers || source.alphabet.is_some()) {
        // Integers are levels already; whatever else has a codebook has the places in it.
        let ranked = if integers { None } else { source.alphabet };
        ways.push((Layout::Decisions, Code::Adaptive, source.decisions(ranked)));
    }
    let mut apart = |layout| {
        let (code, body) = source.apart(layout, positions, only);
        ways.push((layout, only.unwrap_or(code), body));
    };
    if source.alphabet.is_some() {
        apart(Layout::Codebook);
    }
    // Where values repeat, a codebook is shorter.
    let repeats = source.alphabet.is_some_and(|alphabet| 64 * alphabet.levels.len() <= source.levels.len());
    if !repeats {
        apart(Layout::Planes);
    }
    ways
}
