//! Triangles of constants, as masks begin.

use super::{
    call::Call,
    known::{Items, Known},
    making::Making,
    refusal::Refusal,
    value::{Size, Value},
};

/// What of a constant's last two dimensions lies on one side of a diagonal, and zeros.
pub(super) fn triangle<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    let known = call.known(0)?;
    let is_upper = call.integer("upper", 1)? != 0;
    let diagonal = call.numbers(1)?.and_then(|all| all.first().copied()).unwrap_or(0);
    let [.., rows, columns] = known.shape[..] else {
        return Err(Refusal::Damaged("it has no two dimensions".into()));
    };
    making.afford(known.items.price(known.items.len()))?;
    let keeps = |at: usize| {
        let [row, column] = [at / columns % rows, at % columns].map(|at| at as i64);
        let above = column - row;
        if is_upper { above >= diagonal } else { above <= diagonal }
    };
    let items = match known.items {
        Items::Floats(all) => Items::Floats(
            all.into_iter().enumerate().map(|(at, x)| if keeps(at) { x } else { 0.0 }).collect(),
        ),
        Items::Sizes(all) => {
            let zero = Size::Number(0);
            Items::Sizes(
                all.into_iter().enumerate().map(|(at, x)| if keeps(at) { x } else { zero }).collect(),
            )
        }
    };
    Ok(Known { shape: known.shape, items }.into_value())
}
