//! The questions that the page asks, as it writes them.

use sapwood_backend::{DeviceSpec, block_on};
use sapwood_web::{Engine, Kept, Which};
use serde_json::{Value, json};

fn engine() -> Engine {
    Engine::new(DeviceSpec::CPU.resolve().unwrap())
}

fn ask(engine: &mut Engine, request: Value) -> Value {
    serde_json::from_str(&block_on(engine.ask(&request.to_string())).unwrap()).unwrap()
}

fn refused(engine: &mut Engine, request: Value) -> String {
    block_on(engine.ask(&request.to_string())).unwrap_err().to_string()
}

#[test]
fn everything_on_the_menu_can_be_had() {
    let mut engine = engine();
    let menu = ask(&mut engine, json!({ "ask": "menu" }));
    for network in menu["networks"].as_array().unwrap() {
        let begin = json!({
            "ask": "begin", "data": network["data"], "network": network["name"], "epochs": 1, "seed": 1
        });
        let about = ask(&mut engine, begin);
        assert_eq!(about["settings"]["network"], network["name"]);
        for allocation in menu["allocations"].as_array().unwrap() {
            let report = ask(
                &mut engine,
                json!({
                    "ask": "prune", "criterion": "magnitude", "sparsity": "0.5",
                    "allocation": allocation[0], "begin": "initial"
                }),
            );
            assert_eq!(report["kept"], report["total"].as_u64().unwrap() / 2, "{network} {allocation}");
        }
    }
    for family in menu["families"].as_array().unwrap() {
        let begin = json!({ "ask": "begin-elastic", "family": family[0], "epochs": 1, "seed": 1 });
        assert!(20 < ask(&mut engine, begin)["sizes"].as_array().unwrap().len(), "{family}");
    }
}

#[test]
fn a_session_goes_on_in_another_engine() {
    let mut first = engine();
    ask(&mut first, json!({ "ask": "begin", "data": "digits", "network": "lenet", "epochs": 1, "seed": 1 }));
    let train = json!({ "ask": "train", "which": "dense", "steps": 8 });
    let progress = ask(&mut first, train.clone());
    assert_eq!(
        (&progress["step"], &progress["steps"], &progress["done"]),
        (&json!(8), &json!(23), &json!(false))
    );

    let mut second = engine();
    second.restore(Kept::Session, &block_on(first.keep(Kept::Session)).unwrap()).unwrap();
    assert_eq!(ask(&mut second, json!({ "ask": "session" })), ask(&mut first, json!({ "ask": "session" })));
    assert_eq!(ask(&mut second, train.clone()), ask(&mut first, train));

    let pictures = block_on(second.pictures(Which::Dense)).unwrap();
    let sizes: Vec<_> = pictures.iter().map(|picture| picture.cells.len()).collect();
    assert_eq!(sizes, [19_200, 30_000, 1_000]);
    let drawn = ask(&mut second, json!({ "ask": "draw", "strokes": [[[0.5, 0.0], [0.5, 1.0]]] }));
    assert_eq!(
        (drawn["image"].as_array().unwrap().len(), drawn["answers"].as_array().unwrap().len()),
        (64, 1)
    );
}

#[test]
fn a_question_about_what_is_not_there_is_refused() {
    let mut engine = engine();
    assert_eq!(refused(&mut engine, json!({ "ask": "session" })), "there is no session yet");
    assert_eq!(refused(&mut engine, json!({ "ask": "elastic" })), "there is no elastic network yet");
    assert!(refused(&mut engine, json!({ "ask": "tea" })).contains("unknown variant `tea`"));
    assert!(
        block_on(engine.keep(Kept::Elastic)).is_err() && block_on(engine.pictures(Which::Pruned)).is_err()
    );
}
