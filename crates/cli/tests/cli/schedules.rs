//! Schedules of a training end where they were asked to, or are refused before it begins.

use sapwood_core::StateFile;

use crate::workplace::{NET, Workplace};

/// 64 * 30 + 30 * 10 + 10 * 10.
const WEIGHTS: usize = 2320;

/// How many weights the masks of a file keep, and how many of the others are not zero.
fn kept(place: &Workplace, file: &str) -> (usize, usize) {
    let file = StateFile::from_bytes(&place.read(file)).unwrap();
    assert_eq!(file.masks.values().map(|mask| mask.len()).sum::<usize>(), WEIGHTS);
    let moved = file.masks.iter().map(|(path, mask)| {
        let values: Vec<f32> = file.state.0[path].iter::<f32>().collect();
        (0..mask.len()).filter(|at| !mask.get(*at) && values[*at] != 0.0).count()
    });
    (file.masks.values().map(|mask| mask.count_ones()).sum(), moved.sum())
}

#[test]
fn a_gradual_pruning_of_any_length_ends_at_its_target() {
    // 15 batches to an epoch.
    let place = Workplace::new();
    let train = "train --model lenet-300-100 --width 0.1 --data digits --examples 450 --batch-size 30";
    for (at, (epochs, more)) in [
        (1, ""),
        (1, "--gradual-score movement"),
        (2, "--masks-every 7it"),
        (3, "--gradual-allocation erk --masks-every 1000it"),
        (4, "--masks-from-step 2ep --masks-until 3ep --masks-every 7it"),
        (4, "--masks-until 59it --masks-every 10it"),
        (4, "--until 2ep"),
        (4, "--start-at 3ep --masks-every 2it"),
        (4, "--start-at 1ep --masks-from-step 2ep --until 3ep --masks-every 4it"),
    ]
    .into_iter()
    .enumerate()
    {
        place.succeed(&format!("{train} --epochs {epochs} --gradual 0.9 {more} --out {at}"));
        assert_eq!(kept(&place, &format!("{at}/weights.safetensors")), (232, 0), "{epochs} {more}");
    }
    // Nobody prunes any more after the last step; what cannot be is refused, and no folder is made.
    for (epochs, more, expected) in [
        (4, "--masks-until 4ep", "`--masks-until` must be within the run of 60it and before its last step"),
        (4, "--masks-until end", "before its last step, at most 59it, but it is 60it"),
        (4, "--masks-until 2ep --until 2ep", "within the run of 30it and before its last step, at most 29it"),
        (4, "--masks-from-step 4ep", "within the run, from 0it to 58it, but it is 60it"),
        (4, "--masks-from-step 3ep --masks-until 3ep", "after its begin, 45it"),
        (4, "--start-at 1ep --masks-from-step 0ep", "from 15it to 58it, but it is 0it"),
        (4, "--start-at 3ep --masks-until 2ep", "after its begin, 45it"),
        (4, "--until 1it", "at least 2it long, but it is 1it"),
        (4, "--masks-every 0it", "`--masks-every` must be at least 1it"),
        (4, "--start-at 4ep", "`start_at` must be before `until`, at 60it"),
        (4, "--gradual-allocation nope.weight=0.9", "names `nope.weight`"),
        (4, "--key weights", "say how `--weights` are read"),
    ] {
        place.refuse(&format!("{train} --epochs {epochs} --gradual 0.9 {more} --out run"), &[expected]);
    }
}

#[test]
fn a_gradual_pruning_begins_with_the_sparsity_that_is_there() {
    let place = Workplace::with_net();
    place.succeed(&format!("prune --weights {NET} --sparsity 0.7 --out s.safetensors"));
    place.succeed(&format!(
        "prune --weights {NET} --sparsity 0.7 --exclude fc3.weight --out part.safetensors"
    ));
    let train = "train --data digits --examples 450 --batch-size 30 --epochs 2 --masks-every 4it";
    for (at, more) in [
        "--weights s.safetensors --gradual 0.9",
        "--weights s.safetensors --gradual 0.9 --gradual-score movement --gradual-allocation uniform",
        // Masks of some layers: the others are dense.
        "--weights part.safetensors --gradual 0.9",
        "--weights part.safetensors --gradual 0.9 --gradual-score movement",
    ]
    .iter()
    .enumerate()
    {
        place.succeed(&format!("{train} {more} --out {at}"));
        assert_eq!(kept(&place, &format!("{at}/weights.safetensors")), (232, 0), "{more}");
    }
    place.succeed(&format!("{train} --weights s.safetensors --gradual 0.7 --out same"));
    // 0.77777 of 2,320 weights is no whole number: what was asked for is what is there.
    place.succeed("prune --weights s.safetensors --sparsity 0.77777 --out odd.safetensors");
    place.succeed(&format!("{train} --weights odd.safetensors --gradual 0.77777 --out odd"));
    let masks = |file: &str| StateFile::from_bytes(&place.read(file)).unwrap().masks;
    assert_eq!(masks("same/weights.safetensors"), masks("s.safetensors"), "nothing more was asked for");
    place.refuse(
        &format!("{train} --weights s.safetensors --gradual 0.5 --out run"),
        &["must be at least 0.7, what the network has lost already, but it is 0.5"],
    );
}

#[test]
fn what_cannot_be_exchanged_is_refused_before_there_is_a_folder() {
    let place = Workplace::with_net();
    let train = "train --data digits --examples 450 --batch-size 30 --epochs 2 --out run";
    let refuse = |more: &str, expected: &str| place.refuse(&format!("{train} {more}"), &[expected]);
    refuse(&format!("--weights {NET} --regrow rigl"), "has no masks: prune it first");
    for (sparsity, expected) in [
        ("1", "0 of 2320 weights are kept"),
        ("0", "2320 of 2320 weights are kept"),
        // One weight in each layer at most, of which nothing is three tenths.
        ("0.9996", "1 of 2320 weights are kept"),
    ] {
        place.succeed(&format!("prune --weights {NET} --sparsity {sparsity} --out s.safetensors"));
        refuse("--weights s.safetensors --regrow rigl", expected);
        refuse("--weights s.safetensors --regrow set", "nothing can be exchanged");
    }
    place.succeed(&format!("prune --weights {NET} --sparsity 0.9 --out s.safetensors"));
    let regrow = |more: &str, expected: &str| {
        refuse(&format!("--weights s.safetensors --regrow set {more}"), expected);
    };
    regrow("--masks-until 3ep", "within the run, from 1it to 30it");
    regrow("--start-at 1ep --masks-until 1ep", "within the run, from 16it to 30it");
    regrow("--start-at 1ep --masks-every 100it", "a multiple of it lies from 15it to 29it");
    regrow("--regrow-fraction 0", "`--regrow-fraction` must be above 0");
}

#[test]
fn gradual_pruning_in_a_study_keeps_what_its_sparsity_says_or_is_refused_by_its_plan() {
    let place = Workplace::new();
    let study = |name: &str, during: &str| {
        let file = crate::studies::STUDY.split("[[methods]]").next().unwrap();
        place.put(name, format!("{file}[[methods]]\nduring = {{ kind = \"gradual\", {during} }}\n"));
    };
    // 6 batches to an epoch.
    for end in ["3ep", "end", "18it"] {
        study("late.toml", &format!("begin = \"0ep\", end = \"{end}\", every = \"1it\""));
        for command in ["plan", "run"] {
            let expected = "before its last step, at most 17it, but it is 18it";
            place.refuse(&format!("{command} late.toml"), &[expected]);
        }
    }
    let whole = "begin = \"0ep\", end = \"2ep\", every = \"1it\" }\n";
    for key in ["except = [\"fc1\"]", "granularity = \"filter\"", "allocation = \"uniform\""] {
        study("single.toml", &format!("{whole}{key} # "));
        let name = key.split(' ').next().unwrap();
        place.refuse(
            "plan single.toml",
            &["gradual pruning ranks all single weights", &format!("leave `{name}` out")],
        );
    }
    let regrow = "during = { kind = \"regrow\", growth = \"gradient\", until = \"2ep\", every = \"5it\" }\nsparsity = [0.9, 1.0]";
    place.put("empty.toml", format!("{}{regrow}\n", crate::studies::STUDY));
    place.refuse("plan empty.toml", &["at a sparsity of 1 nothing can be exchanged", "empty.toml"]);
    for (name, during) in [
        ("magnitude", "begin = \"1it\", end = \"17it\", every = \"5it\""),
        ("movement", "score = \"movement\", begin = \"0ep\", end = \"2ep\", every = \"100it\""),
    ] {
        study(&format!("{name}.toml"), during);
        place.succeed(&format!("run {name}.toml"));
    }
    let files = place.names().into_iter().map(|name| name.display().to_string());
    let sparse: Vec<usize> = files
        .filter(|name| name.ends_with("r0/weights.safetensors"))
        .map(|name| StateFile::from_bytes(&place.read(&name)).unwrap().masks)
        .filter(|masks| !masks.is_empty())
        .map(|masks| masks.values().map(|mask| mask.count_ones()).sum())
        .collect();
    assert_eq!(sparse, [232, 232], "beside each a dense run");
}
