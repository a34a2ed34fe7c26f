//! Folders of photographs on the command line: what is said of them, and what is wrong with them.

use std::fs;

use crate::{
    child::{self, Outcome},
    own_images::{BLUE, GREEN, RED, images},
    workplace::{NET, Workplace, one_line_error},
};

const TRAIN: &str = "train --model lenet-300-100 --width 0.1 --epochs 1 --batch-size 4 --data image-folder --data-root own --out";

/// Two classes with four images each in both splits, one of them cut off, one a web page.
fn place() -> Workplace {
    let place = Workplace::new();
    images(&place, "own", 4, &[("a", RED), ("b", BLUE)]);
    place.put("own/train/b/cut.png", &GREEN[..50]);
    place.put("own/train/a/page.jpg", "<!DOCTYPE html><html>");
    place.put("own/train/a/list.txt", "");
    place
}

#[test]
fn bad_photographs_are_listed_and_left_out_when_asked() {
    let place = place();
    place.refuse(
        &format!("{TRAIN} run"),
        &[
            "(and one more cannot be read)",
            "`data verify image-folder`",
            "`--skip-bad`",
            "own/train/a/page.jpg",
        ],
    );
    let verified = place.run("data verify image-folder --data-root own");
    assert_eq!(verified.code, Some(2), "{verified:#?}");
    for part in [
        "train: 8 images: a 4, b 4; 1 file passed over: 1 txt; 2 images left out that cannot be read\n",
        "own/train/a/page.jpg: expected PNG",
        "found a web page",
        "own/train/b/cut.png: ",
        "test: 8 images: a 4, b 4\n",
    ] {
        assert!(verified.out.contains(part), "expected `{part}` in {verified:#?}");
    }
    assert!(verified.err.contains("2 of its images cannot be read"), "{verified:#?}");

    let trained = place.run(&format!("{TRAIN} run --skip-bad"));
    assert_eq!(trained.code, Some(0), "{trained:#?}");
    assert!(trained.err.contains("2 images left out that cannot be read"), "{trained:#?}");
    let weights = "--weights run/weights.safetensors --data image-folder --data-root own";
    let score = format!("score --criterion snip --batches 3 --batch-size 4 {weights} --out s.safetensors");
    place.refuse(&score, &["`--skip-bad`"]);
    place.succeed(&format!("{score} --skip-bad"));
    assert_eq!(place.run(&format!("eval {weights}")).err, "test: 8 images: a 4, b 4\n");
    place.refuse(
        "train --model lenet-5 --data digits --skip-bad --out x",
        &["`--skip-bad` belongs to `--data image-folder`"],
    );

    fs::remove_file(place.path().join("own/train/b/cut.png")).unwrap();
    fs::remove_file(place.path().join("own/train/a/page.jpg")).unwrap();
    assert!(place.succeed("data verify image-folder --data-root own").contains("train: 8 images"));
    let listed = place.succeed("data list --data-root own");
    let row = listed.lines().find(|line| line.starts_with("image-folder")).unwrap();
    assert_eq!(row.split_whitespace().collect::<Vec<_>>()[1..4], ["yes", "8", "8"], "{listed}");
}

#[test]
fn part_of_a_folder_is_of_all_its_classes() {
    let place = Workplace::new();
    images(&place, "own", 20, &[("a", RED), ("b", BLUE)]);
    let line = format!("{TRAIN} run --examples 20").replace("--epochs 1", "--epochs 20 --lr 0.05");
    let outcome = place.run(&line);
    assert!(outcome.out.contains("top-1 100.00 %"), "{outcome:#?}");
    let said = "train: 40 images: a 20, b 20; 20 of them are learnt from, drawn of every class";
    assert!(outcome.err.contains(said), "{outcome:#?}");
    place.refuse(&format!("{TRAIN} x --examples 1"), &["at least 2 examples, one of each class, found 1"]);
}

#[test]
fn one_bad_image_does_not_end_the_predictions() {
    let place = Workplace::with_net();
    place.put("red.png", RED);
    place.put("cut.png", &RED[..50]);
    place.put("blue.png", BLUE);
    let outcome =
        place.run(&format!("predict --weights {NET} --data digits red.png cut.png nowhere.png blue.png"));
    assert_eq!((outcome.code, outcome.out.lines().count()), (Some(2), 2), "{outcome:#?}");
    assert!(outcome.out.starts_with("red.png: ") && outcome.out.contains("\nblue.png: "), "{outcome:#?}");
    let said: Vec<_> = outcome.err.lines().collect();
    assert!(
        said.len() == 3 && said[0].ends_with("cut.png") && said[1].ends_with("nowhere.png"),
        "{outcome:#?}"
    );
    assert_eq!(said[2], "error: 2 of 4 images cannot be read");
}

#[test]
fn few_of_many_photographs_calibrate_and_these_need_no_classes() {
    let place = Workplace::new();
    images(&place, "own", 10, &[("a", RED), ("b", BLUE)]);
    place.succeed(&format!("{TRAIN} run"));
    let quantize = |root: &str, number: usize| {
        format!(
            "quantize --weights run/weights.safetensors --data image-folder --data-root {root} --calibrate {number} --force \
             --out {root}{number}.safetensors"
        )
    };
    let said = place.run(&quantize("own", 7));
    assert_eq!(said.code, Some(0), "{said:#?}");
    assert!(said.err.contains("train: 20 images: a 10, b 10; 7 of them are drawn\n"), "{said:#?}");
    assert!(said.out.contains("of 7 training examples"), "{said:#?}");
    // Nothing is asked of those that are not drawn.
    for at in 0..5 {
        place.put(&format!("own/train/a/{at}.png"), "no image");
    }
    place.refuse(&quantize("own", 20), &["(and 4 more cannot be read)", "`--skip-bad`", "own/train/a"]);
    let outcomes: Vec<_> = (0..12)
        .map(|seed| place.run(&quantize("own", 2).replace("--out", &format!("--seed {seed} --out"))).code)
        .collect();
    assert!(outcomes.contains(&Some(0)) && outcomes.contains(&Some(2)), "{outcomes:?}");

    for (at, image) in [RED, BLUE, RED, GREEN].into_iter().enumerate() {
        place.put(&format!("plain/{at}.png"), image);
    }
    place.put("plain/list.txt", "");
    let said = place.run(&quantize("plain", 3));
    assert_eq!(said.code, Some(0), "{said:#?}");
    for part in [
        "train: 4 images without classes; 1 file passed over: 1 txt; taken from the folder itself",
        "; 3 of them are drawn\n",
        "note: the images have no classes: the answers of the float network take their place\n",
    ] {
        assert!(said.err.contains(part), "expected `{part}` in {said:#?}");
    }
    let weights = "--weights run/weights.safetensors --data image-folder --data-root plain";
    for line in [
        &format!("eval {weights}"),
        &format!("train {weights} --epochs 1 --out x"),
        &format!("score --criterion snip {weights} --out s.safetensors"),
    ] {
        place.refuse(line, &["with a folder of images per class in each, found 4 images, in no folder"]);
    }
}

/// Runs a command that keeps resized photographs in `kept`.
fn run_keeping(place: &Workplace, line: &str) -> Outcome {
    let arguments: Vec<&str> = line.split_whitespace().collect();
    let mut command = child::command(place.path(), &arguments);
    child::finish(command.env("SAPWOOD_CACHE", place.path().join("kept")))
}

#[test]
fn where_bad_photographs_are_left_out_the_others_are_kept_for_the_next_scores() {
    let place = place();
    place.succeed(&format!("{TRAIN} run --image 3x2x2 --skip-bad"));
    let score = "score --criterion snip --batches 1 --batch-size 4 --weights run/weights.safetensors --data image-folder \
                 --data-root own --skip-bad --out";
    place.succeed(&format!("{score} plain.safetensors"));
    let expected = place.read("plain.safetensors");
    for out in ["first.safetensors", "again.safetensors"] {
        let outcome = run_keeping(&place, &format!("{score} {out}"));
        assert_eq!(outcome.code, Some(0), "{outcome:#?}");
        assert!(outcome.err.contains("2 images left out that cannot be read"), "{outcome:#?}");
        assert_eq!(fs::read_dir(place.path().join("kept/photos")).unwrap().count(), 1);
        assert_eq!(place.read(out), expected);
    }
}

#[test]
fn resized_photographs_are_kept_where_the_variable_says() {
    let place = Workplace::new();
    images(&place, "own", 2, &[("a", RED), ("b", BLUE)]);
    let line = format!("{TRAIN} run --image 3x2x2");
    let run = |line: &str| run_keeping(&place, line);
    assert_eq!(run(&line).code, Some(0));
    let kept = || fs::read_dir(place.path().join("kept/photos")).unwrap().count();
    assert_eq!(kept(), 2, "one for each split");
    let first = place.read("run/weights.safetensors");
    let again = line.replace("--out run", "--out again");
    assert_eq!((run(&again).code, kept(), place.read("again/weights.safetensors")), (Some(0), 2, first));
    // Other images in the same place are other images.
    images(&place, "own", 2, &[("a", BLUE), ("b", RED)]);
    let outcome = run(&line);
    one_line_error(&line, &outcome, &["a run that learnt from other images"]);
}
