//! The first of three constant-time checks (see ../README.md): every function of the crate that handles secrets, in its portable
//! twin, under valgrind's memcheck with the secrets marked undefined. Memcheck reports each branch and each address that depends on
//! them. `npm run ct:valgrind`.
//!
//! Each check also proves that memcheck saw the secret, by finding the output undefined; and some deliberately leaky controls
//! must be reported, or the run fails. What memcheck cannot see are instructions of variable time, such as divisions: that is
//! for the third check, which reads machine code.

mod checks;
mod controls;

use sallyport::valgrind::{error_count, is_running, is_undefined, make_undefined};

/// One function under test.
pub struct Check {
    pub name: &'static str,
    /// Runs it on secrets made by `secret`, and returns an output that depends on them.
    pub run: fn() -> Vec<u8>,
}

/// N bytes, some of each value and different for each `tag`, that memcheck takes for a secret.
pub fn secret<const N: usize>(tag: u8) -> [u8; N] {
    let mut bytes = public(tag);
    make_undefined(bytes.as_ptr(), N);
    core::hint::black_box(&mut bytes);
    bytes
}

/// The same bytes, not secret.
pub fn public<const N: usize>(tag: u8) -> [u8; N] {
    core::array::from_fn(|i| (i as u8).wrapping_mul(167).wrapping_add(tag.wrapping_mul(29)) ^ (i >> 3) as u8)
}

/// Runs a check: the number of reports, and whether its output was undefined.
fn run(check: &Check) -> (usize, bool) {
    let before = error_count();
    let output = (check.run)();
    let reports = error_count() - before;
    (reports, is_undefined(&output))
}

fn main() {
    if !is_running() {
        eprintln!("this must run under valgrind: npm run ct:valgrind");
        std::process::exit(2);
    }
    let mut failures = 0;
    for check in checks::CHECKS {
        let (reports, saw_secret) = run(check);
        let verdict = match (reports, saw_secret) {
            (0, true) => "constant time",
            (0, false) => "FAILED: the secret did not reach the output",
            _ => "FAILED: depends on a secret",
        };
        failures += usize::from(reports > 0 || !saw_secret);
        println!("{:<44} {verdict}", check.name);
    }
    for control in controls::CONTROLS {
        let (reports, _) = run(control);
        failures += usize::from(reports == 0);
        let verdict = if reports > 0 { "caught, as it must be" } else { "FAILED: not caught" };
        println!("control: {:<35} {verdict}", control.name);
    }
    println!("{} checks, {} controls, {failures} failures", checks::CHECKS.len(), controls::CONTROLS.len());
    if failures > 0 {
        eprintln!("memcheck's reports are in wasm/target/ct/valgrind.log");
    }
    std::process::exit(i32::from(failures > 0));
}
