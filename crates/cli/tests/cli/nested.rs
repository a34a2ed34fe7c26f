//! Nested networks of one's own data, which are trained in a moment.

/// An experiment `nested` with data of this name in images of such a shape, as in `[1, 8, 8]`, and in such batches.
pub(crate) fn nested(data: &str, image: &str, batch_size: usize) -> String {
    format!(
        r#"
name = "nested"
kind = "supernet"
family = "mlp"
batch_size = {batch_size}
data = {{ name = "{data}", options = {{ image = {image} }} }}

[recipe]
optimizer = {{ name = "sgd", momentum = 0.9, nesterov = true }}

[judging]
calibration = 8

[[method]]
name = "all"

[[method.phase]]
name = "all"
open = "all"
rule = {{ name = "random", subnets = 1 }}
epochs = 0.1
learning_rate = 0.01
"#
    )
}
