//! What a schedule takes, as a number of multiply-accumulates of a dense kernel.
//!
//! The figures are those of an Intel Xeon with AVX-512, where a dense kernel does about 36 in a nanosecond. They are
//! no measurement of the machine that runs the plan: at one level of instructions the same network has the same kernels
//! in the same forms. How much of a layer passes at once is chosen by the kernels, which know a little of the processor.

use crate::{
    layer::{Kind, Layer},
    schedule::{Buffer, Lie, Planned, Schedule, Work},
};

/// A product of a weight that is there, where pixels are in the lanes: loads are what it waits for.
const SPARSE: f64 = 2.2;
/// The same where there are no pixels: each number is looked up.
const LOOKED_UP: f64 = 5.0;
/// A number that a sparse layer reads or writes: where it has few weights, that is what is waited for.
const PASSED: f64 = 10.0;
/// A product of a channel with a kernel of its own, of which each number is loaded for few products.
const DEPTHWISE: f64 = 1.5;
/// A number that an activation, a product or a sum between two layers takes more where it lies channel by channel: the
/// zeros between rows are read and written too.
const BETWEEN: f64 = 5.0;
/// A number that a window of a pool takes more there: it is one for itself.
const POOLED: f64 = 35.0;
/// Copying a row of a channel into another form: 20 ns.
const ROW: f64 = 700.0;
/// Copying a number of it.
const NUMBER: f64 = 15.0;

/// What the steps take that a choice of kernels can change.
pub(crate) fn cost(layers: &[Layer<'_>], schedule: &Schedule) -> f64 {
    let of_step = |step: &Planned| {
        let buffer = &schedule.buffers[step.writes];
        let pixels = (buffer.size[0] * buffer.size[1]) as f64;
        let weights = || match &layers[step.layer].kind {
            Kind::Conv(conv) => (conv.weight.len() as f64, conv.there as f64),
            _ => (0.0, 0.0),
        };
        match &step.work {
            Work::Dense => weights().0 * pixels,
            Work::Depthwise => weights().0 * pixels * DEPTHWISE,
            Work::Sparse(_) if buffer.size == [1, 1] => weights().1 * LOOKED_UP,
            // Lanes beyond the last pixel of a plane compute for nobody.
            Work::Sparse(_) => {
                let numbers = |buffer: &Buffer| (buffer.channels * buffer.size[0] * buffer.size[1]) as f64;
                let passed = numbers(buffer) + numbers(&schedule.buffers[step.reads[0]]);
                (weights().1 * pixels.max(16.0) * SPARSE).max(passed * PASSED)
            }
            Work::Move(_) => {
                let rows = (buffer.channels * buffer.size[0]) as f64;
                rows * ROW + buffer.channels as f64 * pixels * NUMBER
            }
            Work::Other if buffer.lie == Lie::Planar => {
                let of_number =
                    if matches!(layers[step.layer].kind, Kind::Pool(..)) { POOLED } else { BETWEEN };
                of_number * buffer.channels as f64 * pixels
            }
            Work::Other | Work::Plain => 0.0,
        }
    };
    schedule.steps.iter().map(of_step).sum()
}

#[cfg(test)]
mod tests {
    use sapwood_graph::{Array, Conv, Graph, State};

    use crate::Runtime;

    /// How many convolutions are computed by a sparse kernel, where every second one has a tenth of its weights.
    fn sparse(channels: usize, side: usize) -> usize {
        let mut g = Graph::builder([channels, side, side]);
        let mut x = g.input();
        let mut state = State::default();
        for (name, of) in [("a", 1), ("b", 10), ("c", 1), ("d", 10), ("e", 1)] {
            x = g.conv(name, x, Conv::new(channels, 3).same().no_bias());
            let weights =
                Array::from_fn([channels, channels, 3, 3], |at| if at % of == 0 { 1.0f32 } else { 0.0 });
            state.0.insert(format!("{name}.weight").into(), weights);
        }
        let plan = Runtime::new().plan(&g.finish().unwrap(), &state).unwrap();
        plan.kernels().filter(|(_, kernel)| kernel.contains("sparse")).count()
    }

    #[test]
    fn zeros_are_skipped_where_that_is_worth_another_form_of_the_values() {
        assert_eq!((sparse(4, 4), sparse(32, 32)), (0, 2));
    }

    #[test]
    fn sparse_layers_begin_behind_large_planes_that_would_be_cut_into_phases() {
        let mut g = Graph::builder([8, 112, 112]);
        let x = g.conv("wide", g.input(), Conv::new(96, 1).no_bias());
        let x = g.conv("smaller", x, Conv::new(96, 3).same().stride(2).groups(96).no_bias());
        let x = g.conv("narrow", x, Conv::new(64, 1).no_bias());
        let x = g.conv("inner", x, Conv::new(256, 1).no_bias());
        g.conv("last", x, Conv::new(256, 1).no_bias());
        let graph = g.finish().unwrap();
        let weights = |shape: [usize; 4], of: usize| {
            Array::from_fn(shape, |at| if at % of == 0 { 1.0f32 } else { 0.0 })
        };
        let state = State(
            [
                ("wide.weight".into(), weights([96, 8, 1, 1], 10)),
                ("smaller.weight".into(), weights([96, 1, 3, 3], 1)),
                ("narrow.weight".into(), weights([64, 96, 1, 1], 10)),
                ("inner.weight".into(), weights([256, 64, 1, 1], 10)),
                ("last.weight".into(), weights([256, 256, 1, 1], 10)),
            ]
            .into(),
        );
        let plan = Runtime::new().plan(&graph, &state).unwrap();
        let is_sparse =
            |name: &str| plan.kernels().any(|(layer, kernel)| layer == name && kernel.contains("sparse"));
        let found = ["wide", "smaller", "narrow", "inner", "last"].map(is_sparse);
        assert_eq!(found, [false, false, true, true, true], "{:?}", plan.kernels().collect::<Vec<_>>());
    }
}
