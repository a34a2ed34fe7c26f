//! The criterion keeps the promises of every criterion, and the command line knows it.

use example_custom_criterion::POWER_SENSITIVITY;
use sapwood_cli::Lab;

#[test]
fn it_keeps_the_promises_of_a_criterion() {
    sapwood_conformance::criterion_keeps_its_promises(&POWER_SENSITIVITY);
}

#[test]
fn the_command_line_knows_it() {
    let lab = Lab::new().with_criterion(POWER_SENSITIVITY);
    let run = |line: &str| {
        let mut out = Vec::new();
        let answer = lab.run(line.split(' ').map(Into::into), &mut out);
        answer.map(|()| String::from_utf8(out).unwrap())
    };
    let list = run("lab list criteria").unwrap();
    assert!(list.contains("power-sensitivity") && list.contains("options: power=2"), "{list}");
    let error = run("lab score --weights x --criterion power-sensitivit --out y").unwrap_err().to_string();
    assert!(error.contains("did you mean power-sensitivity"), "{error}");
}
