//! Reads a quantised ONNX file and says what of it is in integers, or writes it again in one of the forms that integers
//! have in ONNX. Reading what was written has to give the same network.
//!
//! ```sh
//! cargo run -p sapwood-onnx --example quantised -- in.onnx [qdq|qoperator out.onnx [OPSET]]
//! ```

use std::{env, error::Error, fs};

use sapwood_onnx::{Form, Options, export_quantized, import};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [from, rest @ ..] = &arguments[..] else {
        return Err("usage: integers IN [qdq|qoperator OUT [OPSET]]".into());
    };
    let found = import(&fs::read(from)?)?;
    for note in &found.notes {
        println!("{note}");
    }
    let network = found.quantized().ok_or("it says nothing in integers")?;
    let [form, to, rest @ ..] = rest else {
        for (at, name) in network.graph.value_names().into_iter().enumerate() {
            let node = &network.graph.nodes()[at];
            let weight = network.weights.get(format!("{}.weight", node.name).as_str());
            let weight =
                weight.map_or_else(String::new, |w| format!(", weights in {} by {:?}", w.dtype(), w.per()));
            let grid = network.grids.get(&at).map_or_else(String::new, |grid| {
                format!(", rounded to {} (q - {})", grid.scale(), grid.zero_point())
            });
            println!("{name}: {}{weight}{grid}", node.op.kind());
        }
        return Ok(());
    };
    let form = match form.as_str() {
        "qdq" => Form::Qdq,
        "qoperator" => Form::QOperator,
        other => return Err(format!("expected qdq or qoperator, found {other}").into()),
    };
    let opset = rest.first().map_or(Ok(18), |opset| opset.parse())?;
    let options = Options {
        opset,
        outputs: found.outputs,
        channels_last: found.channels_last,
        int32: found.int32,
        metadata: found.metadata,
        ..Options::default()
    };
    let written = export_quantized(&network, form, &options)?;
    fs::write(to, &written)?;
    let again = import(&written)?.quantized().ok_or("what was written has no integers")?;
    match again.graph == network.graph && again.weights == network.weights && again.grids == network.grids {
        true => Ok(()),
        false => Err("what was written is read as another network".into()),
    }
}
