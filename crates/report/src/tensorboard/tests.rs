//! Event files against what TensorFlow's side makes of them.

use std::{
    env, fs,
    io::{self, Write as _},
    process::{Command, Output},
};

use super::*;

const WALL_TIME: f64 = 1_767_225_600.25;

#[test]
fn the_bytes_are_those_that_tensorboard_writes_itself() {
    // The same events by PyPI's tensorboard 2.21.0: each
    // `event_pb2.Event(wall_time=1767225600.25, step=.., ..).SerializeToString()`
    // given to `summary.writer.record_writer.RecordWriter.write`.
    let expected = [
        // "brain.Event:2"
        "1800000000000000a37f4b22",
        "09000010406e55da411a0d627261696e2e4576656e743a32",
        "7ce7ce86",
        // "train/loss", 0, 2.5
        "1e00000000000000d9dc1232",
        "09000010406e55da412a130a110a0a747261696e2f6c6f73731500002040",
        "8b5350e9",
        // "train/loss", 300, 0.0
        "2100000000000000017becf6",
        "09000010406e55da4110ac022a130a110a0a747261696e2f6c6f73731500000000",
        "9125143d",
        // "test/accuracy (%)", 300, 97.25
        "2800000000000000ff70164a",
        "09000010406e55da4110ac022a1a0a180a11746573742f616363757261637920282529150080c242",
        "34628d80",
    ];
    let mut events = EventFile::new(WALL_TIME);
    events.scalar("train/loss", 0, 2.5);
    events.scalar("train/loss", 300, 0.0);
    events.scalar("test/accuracy (%)", 300, 97.25);
    let hex: String = events.to_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, expected.concat());
}

/// One line of the script that reads.
fn scalar(line: &str) -> Scalar {
    let fields: Vec<&str> = line.split('\t').collect();
    let [tag, step, value, wall_time] = fields[..] else { panic!("{line}") };
    assert_eq!(wall_time.parse(), Ok(WALL_TIME));
    Scalar { tag: tag.into(), step: step.parse().unwrap(), value: value.parse::<f64>().unwrap() as f32 }
}

#[test]
fn tensorboard_reads_the_same_tags_steps_and_values() {
    let python = env::var_os("SAPWOOD_PYTHON").unwrap_or_else(|| "python3".into());
    let run = |arguments: &[&str]| Command::new(&python).args(arguments).output();
    let has_tensorboard = |output: Output| output.status.success();
    if !run(&["-c", "import tensorboard"]).is_ok_and(has_tensorboard) {
        // Not by `println!`, which the test runner keeps to itself where a test passes.
        return writeln!(io::stderr(), "skipped: PyPI package tensorboard is not installed").unwrap();
    }

    let mut events = EventFile::new(WALL_TIME);
    // A second curve begins again at step 0, which must not count as a restart of the
    // run: that would throw the rest of the first one away.
    (0..300).for_each(|step| events.scalar("train/loss", 10 * step, 1.0 / (1.0 + step as f64)));
    let odd = [0.0, -0.0, 0.1, -1e-40, 3.4e38, 1e39, f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
    odd.iter().enumerate().for_each(|(step, value)| events.scalar("odd/größe (%) ≥ 0", step, *value));
    events.scalar("late", i32::MAX as usize, 97.25);
    events.scalar("late", 0, 97.5);

    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(FILE_NAME), events.to_bytes()).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tensorboard/read_events.py");
    let output = run(&[script, folder.path().to_str().unwrap()]).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let read = String::from_utf8(output.stdout).unwrap();
    let read: Vec<Scalar> = read.lines().map(scalar).collect();
    // TensorBoard answers curve by curve, here in the order in which they began.
    assert_eq!(read.len(), events.scalars.len());
    for (read, written) in read.iter().zip(&events.scalars) {
        // By bits, so that signs of zero count; of NaN there are many, and any will do.
        let same = read.value.to_bits() == written.value.to_bits() || read.value.is_nan();
        assert!(same && written.value.is_nan() == read.value.is_nan(), "{read:?} for {written:?}");
        assert_eq!((&read.tag, read.step), (&written.tag, written.step));
    }
}
