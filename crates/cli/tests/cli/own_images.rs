//! Images of one's own: what they are decides a run, and not where they lie.

use std::fs;

use crate::{
    nested::nested,
    studies::short,
    workplace::{Workplace, one_line_error},
};

/// 4x4 pixels.
pub(crate) const RED: &[u8] = &[
    137, 80, 78, 71, 13, 10, 26, 10, 0, 0, 0, 13, 73, 72, 68, 82, 0, 0, 0, 4, 0, 0, 0, 4, 8, 2, 0, 0, 0, 38,
    147, 9, 41, 0, 0, 0, 16, 73, 68, 65, 84, 120, 218, 99, 248, 197, 192, 0, 71, 12, 196, 113, 0, 166, 35,
    15, 161, 185, 232, 227, 123, 0, 0, 0, 0, 73, 69, 78, 68, 174, 66, 96, 130,
];
/// 4x4 pixels.
pub(crate) const GREEN: &[u8] = &[
    137, 80, 78, 71, 13, 10, 26, 10, 0, 0, 0, 13, 73, 72, 68, 82, 0, 0, 0, 4, 0, 0, 0, 4, 8, 2, 0, 0, 0, 38,
    147, 9, 41, 0, 0, 0, 15, 73, 68, 65, 84, 120, 218, 99, 96, 248, 197, 128, 64, 196, 113, 0, 150, 131, 15,
    161, 93, 124, 119, 125, 0, 0, 0, 0, 73, 69, 78, 68, 174, 66, 96, 130,
];
/// 4x4 pixels.
pub(crate) const BLUE: &[u8] = &[
    137, 80, 78, 71, 13, 10, 26, 10, 0, 0, 0, 13, 73, 72, 68, 82, 0, 0, 0, 4, 0, 0, 0, 4, 8, 2, 0, 0, 0, 38,
    147, 9, 41, 0, 0, 0, 16, 73, 68, 65, 84, 120, 218, 99, 96, 96, 248, 133, 132, 136, 226, 0, 0, 134, 227,
    15, 161, 142, 227, 71, 222, 0, 0, 0, 0, 73, 69, 78, 68, 174, 66, 96, 130,
];

/// A folder of images: for each class the same image, so often in each split.
pub(crate) fn images(place: &Workplace, root: &str, number: usize, classes: &[(&str, &[u8])]) {
    for (class, image) in classes {
        for split in ["train", "test"] {
            for at in 0..number {
                place.put(&format!("{root}/{split}/{class}/{at}.png"), image);
            }
        }
    }
}

const TRAIN: &str =
    "train --model lenet-300-100 --width 0.1 --epochs 1 --batch-size 4 --data image-folder --data-root";

#[test]
fn another_folder_is_another_run_and_a_changed_one_is_said() {
    let place = Workplace::new();
    images(&place, "first", 3, &[("a", RED), ("b", BLUE)]);
    images(&place, "moved", 3, &[("a", RED), ("b", BLUE)]);
    images(&place, "turned", 3, &[("a", BLUE), ("b", RED)]);
    images(&place, "named", 3, &[("a", RED), ("c", BLUE)]);
    let weights = |root: &str| place.succeed(&format!("{TRAIN} {root}")).lines().last().unwrap().to_string();
    let first = weights("first");
    assert_eq!(weights("moved"), first, "where they lie decides nothing");
    let [turned, named] = ["turned", "named"].map(weights);
    assert!(first != turned && first != named && turned != named);
    assert_ne!(place.read(&first), place.read(&turned));

    let again = format!("{TRAIN} first --out run");
    let done = |expected: bool| {
        let said = place.run(&again).err;
        assert_eq!(said.contains("this run is done"), expected, "{said}");
    };
    done(false);
    done(true);
    let others = ["a run that learnt from other images", "--out", "run"];
    place.refuse(&format!("{TRAIN} turned --out run"), &others);
    place.put("first/train/a/more.png", GREEN);
    place.refuse(&again, &others);
    fs::remove_file(place.path().join("first/train/a/more.png")).unwrap();
    done(true);
    place.put("first/test/a/0.png", GREEN);
    place.refuse(&again, &others);
    place.put("first/test/a/0.png", RED);
    for split in ["train", "test"] {
        fs::rename(
            place.path().join(format!("first/{split}/b")),
            place.path().join(format!("first/{split}/c")),
        )
        .unwrap();
    }
    place.refuse(&again, &others);

    // A run of an older version does not say what it learnt from.
    let config = String::from_utf8(place.read("run/config.json")).unwrap();
    let mut config: serde_json::Value = serde_json::from_str(&config).unwrap();
    config["data"].as_object_mut().unwrap().remove("content").unwrap();
    place.put("run/config.json", config.to_string());
    place.refuse(&again, &["a run that does not say which images it learnt from"]);
}

#[test]
fn a_study_knows_its_images_and_is_looked_at_without_them() {
    let place = Workplace::new();
    let data = "name = \"image-folder\"\nexamples = 6";
    place.put("first.toml", short(data, 2, "criterion = \"magnitude\""));
    images(&place, "own", 4, &[("a", RED), ("b", BLUE)]);
    let run = |root: &str| {
        let outcome = place.run(&format!("run first.toml --data-root {root}"));
        assert_eq!(outcome.code, Some(0), "{outcome:#?}");
        outcome
    };
    assert!(run("own").out.starts_with("2 runs done"));
    let results = place.read("runs/first/results.csv");
    let again = run("own");
    assert!(again.out.starts_with("0 runs done") && !again.err.contains("others than"), "{again:#?}");
    let worker = "worker runs/first --data-root";
    place.succeed(&format!("{worker} own"));

    // Neither the folder nor what it is called is needed to see what came of it.
    fs::rename(place.path().join("own"), place.path().join("away")).unwrap();
    assert!(place.succeed("status first").contains("all"));
    assert!(place.succeed("report first --format csv").starts_with("2 of 2 runs"));
    assert_eq!(place.read("runs/first/results.csv"), results);
    place.succeed("retry --failed first");
    place.succeed("clean --checkpoints first");
    for line in ["plan first.toml --data-root own", "run first.toml --data-root own"] {
        place.refuse(line, &["`image-folder` is not there", "own/train"]);
    }

    images(&place, "own", 4, &[("a", BLUE), ("b", RED)]);
    let line = format!("{worker} own");
    one_line_error(
        &line,
        &place.run(&line),
        &["differ from those that this study was started with", "`run`"],
    );
    let anew = run("own");
    assert!(anew.out.starts_with("2 runs done") && anew.err.contains("the images have changed"), "{anew:#?}");
    assert!(run("away").out.starts_with("0 runs done"), "the first ones are still there");
}

#[test]
fn nested_networks_know_their_images_and_what_is_cut_out_their_names() {
    let place = Workplace::new();
    place.put("nested.toml", nested("image-folder", "[1, 8, 8]", 2));
    images(&place, "own", 10, &[("sky", BLUE), ("brick", RED)]);
    place.succeed("supernet train nested.toml --data-root own");
    let weights = "--weights runs/nested/all-r0/weights.safetensors --data image-folder --data-root";
    place.succeed(&format!("supernet extract {weights} own --arch min --out small.safetensors"));
    for file in ["small.safetensors", "runs/nested/all-r0/weights.safetensors"] {
        let text = String::from_utf8_lossy(&place.read(file)).into_owned();
        assert!(text.contains("trained_on") && text.contains("brick"), "{file}");
    }
    let out = place.succeed("predict --weights small.safetensors own/test/sky/0.png");
    assert!(out.contains("sky ") && out.contains("brick "), "{out}");

    images(&place, "other", 10, &[("sky", BLUE), ("sea", GREEN)]);
    for command in ["supernet eval --arch min", "supernet pairs --count 2 --out pairs.csv"] {
        place.refuse(&format!("{command} {weights} other"), &["does not know `sea`"]);
    }
    place.put("own/train/sky/0.png", RED);
    place.refuse(
        "supernet train nested.toml --data-root own",
        &["a run that learnt from other images", "all-r0"],
    );
}
