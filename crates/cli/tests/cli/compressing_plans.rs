//! What `compress --plan` says.

use serde_json::Value;

use crate::{
    compressing::convolutional,
    workplace::{NET, Workplace},
};

#[test]
fn a_plan_says_what_would_be_done_and_writes_nothing() {
    let place = convolutional();
    let before = place.files();
    let line = "compress --weights conv.safetensors --data digits --epochs 2 --plan";
    let said = place.succeed(&format!("{line} --threads 2 --out small"));
    for part in [
        "as it came: ",
        " ms on 2 threads",
        "of 180 examples that decide",
        "% of 180 test examples",
        "they go out of the network",
        "at the most ",
        "the first step would learn for at most about ",
    ] {
        assert!(said.contains(part), "expected `{part}` in {said}");
    }
    let json = |more: &str| -> Value {
        serde_json::from_str(&place.succeed(&format!("{line} --json {more}"))).unwrap()
    };
    let all = json("--macs 51%");
    assert_eq!(all["steps"], 2, "{all}");
    for of in ["macs", "params"] {
        assert!(all["least"][of].as_u64() < all["given"][of].as_u64(), "{all}");
    }
    // That would be the size of no file.
    assert!(all["least"].get("bytes").is_none(), "{all}");
    for (macs, expected) in [("30%", "asks for about 1 step\n"), ("51%", "asks for about 2 steps\n")] {
        let said = place.succeed(&format!("{line} --macs {macs}"));
        assert!(said.contains(expected), "expected `{expected}` in {said}");
    }
    assert!(0.0 < all["seconds_of_a_step"].as_f64().unwrap(), "{all}");
    let of = |plan: &Value, layer: &str| -> Value {
        let groups = plan["groups"].as_array().unwrap();
        groups.iter().find(|group| group["name"] == layer).unwrap().clone()
    };
    assert_eq!((&of(&all, "conv1")["before"], &of(&all, "conv1")["after"]), (&13.into(), &1.into()));
    let scoped = json("--round-to 4 --except conv2");
    assert_eq!(of(&scoped, "conv1")["after"], 4, "{scoped}");
    assert!(of(&scoped, "conv2")["whole"].as_str().unwrap().contains("excluded"), "{scoped}");
    assert_eq!(place.files(), before);
}

#[test]
fn a_plan_says_what_cannot_be_reached_and_is_refused_what_the_command_is() {
    let place = Workplace::with_net();
    let line = format!("compress --weights {NET} --data digits --epochs 1 --plan");
    for form in ["", "--json"] {
        let said = place.run(&format!("{line} --macs 99.999% --milliseconds 0.0000001 {form}"));
        assert_eq!(said.code, Some(0), "{said:?}");
        for part in
            ["`--macs` asks for 99.999 %, and at the most ", "0.0000001 ms were asked for, and at least "]
        {
            assert!(said.err.contains(part), "expected `{part}` in {said:?}");
        }
    }
    let said = place.run(&format!("{line} --milliseconds 1000"));
    assert!(said.err.contains("nothing would leave"), "{said:?}");
    place.refuse(&format!("{line} --drop -1"), &["`--drop`"]);
    place.put("other/net.onnx", "somebody's");
    place.refuse(&format!("{line} --out other"), &["would be written over", "net.onnx"]);
    // A folder that cannot be made is told before anything is computed, with a plan and without.
    place.put("taken", "a file");
    for line in [&line[..], line.trim_end_matches(" --plan")] {
        place.refuse(&format!("{line} --out taken/run"), &["cannot make the folder", "taken/run"]);
    }
}
