//! From arrays of a user's to inputs of a network.

use sapwood_core::{Array, Batch, Observed as _, Shape, TrainedOn, graph::DType};
use sapwood_data::Normalisation;
use sapwood_models::Opened;

use crate::doubt::{doubt, span};

/// What a network takes, and how bytes of images become that.
#[derive(Clone, Copy, Debug)]
pub struct Takes<'a> {
    /// The shape of an example, `[C, H, W]`.
    pub input: Shape,
    /// How its images were made, where that is known.
    pub trained_on: Option<&'a TrainedOn>,
    /// Of a network that takes tokens, the number of entries of the table that they are looked up in: [`usize::MAX`]
    /// where that is not known.
    pub tokens: Option<usize>,
    /// Whether its own file has the channels of an example last.
    pub channels_last: bool,
    /// Whether it was said just now how its images are made: then numbers become inputs so too.
    pub is_stated: bool,
}

impl<'a> Takes<'a> {
    /// What a network of a file takes.
    pub fn of(opened: &'a Opened) -> Self {
        let graph = opened.net.graph();
        let first = graph.entries().first().filter(|entry| entry.integers);
        let tokens = first.and_then(|_| graph.tokens().first().copied());
        let channels_last = !opened.spec.onnx.channels_last.is_empty();
        let (trained_on, is_stated) = (opened.trained_on.as_ref(), opened.is_stated);
        Self { input: opened.spec.input, trained_on, tokens, channels_last, is_stated }
    }

    /// The values of an array as inputs, `[N, C, H, W]`.
    ///
    /// Bytes (`u8`) are stored values of images and are normalised as the network's images were, and so are all whole
    /// numbers for a network of boards, on which 1 is stored as 1; all other numbers are inputs already, unless somebody said
    /// just now how inputs are made. An array with
    /// channels last, and one of another rank with the network's number of values, is brought into the network's shape: by the
    /// order of the network's own file, where nothing else tells.
    pub(crate) fn inputs(&self, name: &str, array: &Array) -> Result<([usize; 4], Vec<f32>), String> {
        let name = if name.is_empty() { "the array" } else { &format!("`{name}`") };
        let [c, h, w] = self.input;
        let found = array.shape().to_vec();
        if array.is_empty() || found.len() < 2 {
            return Err(format!("{name} should be [N, C, H, W] with at least one value, but is {found:?}"));
        }
        let (shape, mut values) = match found[..] {
            [n, x, y, z] if self.is_last([x, y, z]) => ([n, c, x, y], channels_first(array, [n, x, y, c])),
            [_, channels, rows, columns]
                if 1 < channels
                    && [rows, columns, channels] == self.input
                    && [channels, rows, columns] != self.input =>
            {
                return Err(format!(
                    "{name} is {found:?}, and the network takes examples of {c}x{h}x{w}, with the channels last: give it \
                     [N, H, W, C]"
                ));
            }
            [n, channels, rows, columns] => ([n, channels, rows, columns], array.iter::<f32>().collect()),
            [n, ref rest @ ..] if rest.iter().product::<usize>() == c * h * w => {
                let values = match self.channels_last {
                    true => channels_first(array, [n, h, w, c]),
                    false => array.iter::<f32>().collect(),
                };
                ([n, c, h, w], values)
            }
            _ => {
                return Err(format!(
                    "{name} should be [N, C, H, W] with N examples of {c}x{h}x{w}, but is {found:?}"
                ));
            }
        };
        if let Some(entries) = self.tokens {
            return match wrong_token(array, entries) {
                Some(problem) => Err(format!("{name} {problem}")),
                None => Ok((shape, values)),
            };
        }
        match array.dtype() {
            DType::U8 => self.normalise(name, shape, &mut values)?,
            whole if whole.integers().is_some() => match self.trained_on {
                None => {}
                Some(trained_on) if trained_on.scale == 1.0 => self.normalise(name, shape, &mut values)?,
                Some(_) => {
                    return Err(format!(
                        "{name} has truth values, or whole numbers that are no bytes, and the weights know images: give \
                         stored values as u8, or inputs as f32"
                    ));
                }
            },
            _ if self.is_stated => self.normalise(name, shape, &mut values)?,
            _ => {}
        }
        match values.iter().position(|value| !value.is_finite()) {
            Some(at) => Err(format!("{name} should be finite, but value {at} is {}", values[at])),
            None => Ok((shape, values)),
        }
    }

    /// Whether an example of three dimensions has its channels last: where the whole shape does not tell, where the number of
    /// channels stands; and where that stands at both ends, as the network's own file has it.
    fn is_last(&self, found: Shape) -> bool {
        let [c, h, w] = self.input;
        match (found == self.input, found == [h, w, c]) {
            (true, false) => false,
            (false, true) => true,
            (true, true) => self.channels_last,
            (false, false) => found[2] == c && (found[0] != c || self.channels_last),
        }
    }

    /// What speaks against these inputs being made of images as those were that the weights learnt from: none of them is
    /// below 0, or the largest is far above what white becomes.
    pub fn doubt(&self, batches: &[Batch]) -> Option<String> {
        let TrainedOn { scale, mean, std, .. } = self.trained_on.filter(|known| known.scale != 1.0)?;
        doubt(span(batches), (*scale, mean, std))
    }

    fn normalise(&self, name: &str, shape: [usize; 4], values: &mut [f32]) -> Result<(), String> {
        let Some(trained_on) = self.trained_on else {
            return Err(format!(
                "{name} has bytes, and the weights do not say how bytes become inputs: say it, or give it as f32"
            ));
        };
        // Boards and a user's own numbers are stored as they are, and only boards are whole numbers.
        if trained_on.scale == 1.0 && trained_on.data == "arrays" {
            return Err(format!(
                "{name} has whole numbers, and the weights learnt from inputs: give it as f32"
            ));
        }
        let normalisation = Normalisation::from(trained_on);
        let (expected, found) = (normalisation.channels.len(), shape[1]);
        if expected != found {
            return Err(format!("{name} has {found} channels, and the weights know images with {expected}"));
        }
        for example in values.chunks_exact_mut(shape[1..].iter().product()) {
            example.iter_mut().for_each(|x| *x /= normalisation.scale);
            normalisation.apply(example);
        }
        Ok(())
    }
}

/// What is wrong with tokens that are looked up in a table of this number of entries, if anything is; [`usize::MAX`]
/// stands for no table.
pub(crate) fn wrong_token(tokens: &Array, entries: usize) -> Option<String> {
    if entries == usize::MAX {
        return None;
    }
    let is_one = |token: &f64| token.fract() == 0.0 && (0.0..entries as f64).contains(token);
    let (at, found) = tokens.iter::<f64>().enumerate().find(|(_, token)| !is_one(token))?;
    let last = entries.saturating_sub(1);
    Some(format!(
        "should be whole numbers from 0 to {last}, entries of the network's table, but value {at} is {found}"
    ))
}

/// Values with channels last, with channels first.
fn channels_first(array: &Array, [n, rows, columns, channels]: [usize; 4]) -> Vec<f32> {
    let values: Vec<f32> = array.iter().collect();
    let mut out = Vec::with_capacity(values.len());
    for image in values.chunks_exact(rows * columns * channels).take(n) {
        (0..channels).for_each(|channel| out.extend(image[channel..].iter().step_by(channels)));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAKES: Takes<'_> =
        Takes { input: [2, 1, 2], trained_on: None, tokens: None, channels_last: false, is_stated: false };

    fn inputs(shape: &[usize]) -> Result<([usize; 4], Vec<f32>), String> {
        TAKES.inputs("x", &Array::from_fn(shape, |at| at as f32))
    }

    #[test]
    fn arrays_of_any_rank_and_with_channels_last_are_brought_into_the_shape() {
        let plain = ([1, 2, 1, 2], vec![0.0, 1.0, 2.0, 3.0]);
        assert_eq!(inputs(&[1, 2, 1, 2]).unwrap(), plain);
        assert_eq!(inputs(&[1, 4]).unwrap(), plain);
        assert_eq!(inputs(&[1, 2, 2]).unwrap(), plain);
        assert_eq!(inputs(&[1, 1, 2, 2]).unwrap(), ([1, 2, 1, 2], vec![0.0, 2.0, 1.0, 3.0]));
        // Channels first, where the network has them last.
        let last = Takes { input: [5, 4, 3], ..TAKES };
        let images = |shape: [usize; 4]| last.inputs("x", &Array::from_fn(shape, |at| at as f32));
        assert!(
            images([1, 3, 5, 4]).unwrap_err().contains("takes examples of 5x4x3, with the channels last")
        );
        assert_eq!(images([1, 5, 4, 3]).unwrap().0, [1, 5, 4, 3]);
        // Another size is the network's to refuse.
        assert_eq!(inputs(&[1, 2, 3, 3]).unwrap().0, [1, 2, 3, 3]);
        for shape in [[3].as_slice(), &[0, 2, 1, 2], &[1, 5], &[1, 2, 1, 1, 1]] {
            assert!(inputs(shape).unwrap_err().starts_with("`x` should be [N, C, H, W]"), "{shape:?}");
        }
    }

    #[test]
    fn the_whole_shape_tells_where_channels_stand_or_else_the_networks_own_file() {
        let first = |takes: &Takes<'_>, shape: &[usize]| {
            let (found, values) = takes.inputs("x", &Array::from_fn(shape, |at| at as f32)).unwrap();
            (found, values[1])
        };
        for (channels_last, second) in [(false, 1.0), (true, 3.0)] {
            // The file has 3x9x3, of which the channels are the last.
            let takes = Takes { input: [3, 3, 9], channels_last, ..TAKES };
            assert_eq!(first(&takes, &[1, 3, 9, 3]), ([1, 3, 3, 9], 3.0));
            assert_eq!(first(&takes, &[1, 3, 3, 9]), ([1, 3, 3, 9], 1.0));
            // Any place of the three may be the channels'.
            let square = Takes { input: [3, 3, 3], channels_last, ..TAKES };
            assert_eq!(first(&square, &[1, 3, 3, 3]).1, second);
            let row = Takes { input: [3, 2, 5], channels_last, ..TAKES };
            assert_eq!(first(&row, &[1, 30]).1, second);
            assert_eq!(first(&row, &[1, 10, 3]).1, second);
            // A signal of one row.
            let signal = Takes { input: [1, 1, 6], channels_last, ..TAKES };
            assert_eq!(first(&signal, &[1, 1, 6, 1]), ([1, 1, 1, 6], 1.0));
        }
    }

    #[test]
    fn numbers_become_inputs_by_what_is_said_now_and_are_doubted_where_they_are_none() {
        let how = "(x/255-0.5)/0.25".parse().unwrap();
        let trained_on = TrainedOn::stated(&how, [2, 1, 2]).unwrap();
        let takes = Takes { trained_on: Some(&trained_on), ..TAKES };
        let numbers = Array::new([1, 2, 1, 2], vec![0.0f32, 255.0, 127.5, 51.0]).unwrap();
        let (_, found) = Takes { is_stated: true, ..takes }.inputs("x", &numbers).unwrap();
        assert!(found.iter().zip([-2.0, 2.0, 0.0, -1.2]).all(|(a, b)| (a - b).abs() < 1e-6), "{found:?}");
        let doubt = |takes: &Takes<'_>, scale: f32, shift: f32| {
            let values = numbers.iter::<f32>().map(|x| scale * x + shift).collect();
            let batch = Batch::new([1, 2, 1, 2], values, sapwood_core::Target::Class(vec![0])).unwrap();
            takes.doubt(&[batch])
        };
        let said = doubt(&takes, 1.0 / 255.0, 0.0).unwrap();
        assert!(said.contains("from 0.00 to 1.00") && said.contains("from -2.00 to 2.00"), "{said}");
        assert!(doubt(&takes, 1.0, -1.0).is_some());
        assert_eq!(doubt(&takes, 4.0 / 255.0, -2.0), None);
        assert_eq!(doubt(&TAKES, 1.0, 0.0), None);
    }

    #[test]
    fn tokens_are_entries_of_the_table() {
        let takes = Takes { input: [3, 1, 1], tokens: Some(30), ..TAKES };
        let tokens = |values: [f64; 3]| takes.inputs("x", &Array::new([1, 3], values.to_vec()).unwrap());
        assert_eq!(tokens([0.0, 29.0, 7.0]).unwrap().1, [0.0, 29.0, 7.0]);
        for wrong in [30.0, -1.0, 3.5, f64::NAN, 1e12] {
            let error = tokens([0.0, wrong, 1.0]).unwrap_err();
            assert!(error.contains("from 0 to 29") && error.contains("value 1 is"), "{error}");
        }
        // Bytes are tokens as well.
        assert!(takes.inputs("x", &Array::from_fn([1, 3], |at| at as u8)).is_ok());
    }

    #[test]
    fn bytes_are_normalised_as_the_network_knows_it() {
        let bytes = Array::from_fn([1, 2, 1, 2], |at| [0_u8, 255, 127, 51][at]);
        let error = TAKES.inputs("x", &bytes).unwrap_err();
        assert!(error.contains("do not say how bytes become inputs"), "{error}");
        let how = "(x/255-[0,0.5])/[1,0.5]".parse().unwrap();
        let trained_on = TrainedOn::stated(&how, [2, 1, 2]).unwrap();
        let takes = Takes { trained_on: Some(&trained_on), ..TAKES };
        let (_, found) = takes.inputs("x", &bytes).unwrap();
        for (found, expected) in found.iter().zip([0.0, 1.0, -1.0 / 255.0, -0.6]) {
            assert!((found - expected).abs() < 1e-6, "{found} {expected}");
        }
        // What learnt from numbers of a user's own knows no bytes.
        let unit = TrainedOn { scale: 1.0, mean: vec![0.0; 2], std: vec![1.0; 2], ..trained_on.clone() };
        let own = TrainedOn { data: "arrays".into(), ..unit };
        let error = Takes { trained_on: Some(&own), ..TAKES }.inputs("x", &bytes).unwrap_err();
        assert!(error.contains("learnt from inputs: give it as f32"), "{error}");
        let whole = Array::from_fn([1, 2, 1, 2], |at| at as i64);
        assert!(takes.inputs("x", &whole).unwrap_err().contains("as u8, or inputs as f32"));
        assert_eq!(TAKES.inputs("x", &whole).unwrap().1, [0.0, 1.0, 2.0, 3.0]);
        let boards = TrainedOn { scale: 1.0, mean: vec![0.0; 2], std: vec![1.0; 2], ..trained_on.clone() };
        let takes = Takes { trained_on: Some(&boards), ..TAKES };
        assert_eq!(takes.inputs("x", &whole).unwrap().1, [0.0, 1.0, 2.0, 3.0]);
        let nan = Array::new([1, 2, 1, 2], vec![0.0_f64, f64::NAN, 0.0, 0.0]).unwrap();
        assert_eq!(TAKES.inputs("", &nan).unwrap_err(), "the array should be finite, but value 1 is NaN");
    }
}
