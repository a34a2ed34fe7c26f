//! Workers as the tasks of a Slurm job array.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use sapwood_core::write_atomic;

use super::WorkerCommand;
use crate::Error;

/// A job array that was handed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slurm {
    /// Its number.
    pub job: String,
}

/// How many tasks a job array has at most, where a cluster's `MaxArraySize` is what it is
/// without a setting.
const MOST: usize = 1000;

/// The script of the job array. Slurm's accounting is not asked for anything: where runs
/// are is in the study's folder. What a cluster wants besides, as a partition, an account
/// or a time, `sbatch` takes from `SBATCH_PARTITION`, `SBATCH_ACCOUNT`, `SBATCH_TIMELIMIT`.
///
/// Slurm says two minutes before it ends a task, with a signal at which the worker writes a
/// checkpoint and gives its run back. `exec` puts the worker in the place of the shell,
/// which would die of that signal and leave the worker behind. A task whose machine fails
/// comes into the queue again.
pub fn script(worker: &WorkerCommand, study: &str, workers: usize, threads: usize, logs: &Path) -> String {
    format!(
        "#!/bin/sh\n\
         #SBATCH --job-name=sapwood-{name}\n\
         #SBATCH --array=0-{last}\n\
         #SBATCH --ntasks=1\n\
         #SBATCH --cpus-per-task={threads}\n\
         #SBATCH --requeue\n\
         #SBATCH --open-mode=append\n\
         #SBATCH --signal=B:USR1@120\n\
         #SBATCH --output=\"{logs}/slurm-%A_%a.log\"\n\
         export RAYON_NUM_THREADS=\"${{SLURM_CPUS_PER_TASK}}\"\n\
         exec {command}\n",
        name = name(study),
        last = workers.max(1) - 1,
        logs = logs.display().to_string().replace('%', "%%").replace('"', "\\\""),
        command = worker.to_shell(),
    )
}

/// What `squeue` and mails show of a study's name.
fn name(study: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    study.chars().take(64).map(|letter| if plain(letter) { letter } else { '_' }).collect()
}

fn refused(problem: String) -> Error {
    Error::Slurm { problem, error: None }
}

impl Slurm {
    /// Writes the script and hands it in with `sbatch`.
    ///
    /// # Errors
    /// [`Error::Slurm`] for more workers than a job array may have, a folder that Slurm cannot write to, and an
    /// `sbatch` that is not there or refuses; files that cannot be written.
    pub fn submit(
        worker: &WorkerCommand,
        study: &str,
        workers: usize,
        threads: usize,
        folder: &Path,
    ) -> Result<Self, Error> {
        if workers > MOST {
            return Err(refused(format!(
                "{workers} workers are too many: a job array of Slurm has at most {MOST} tasks"
            )));
        }
        // Slurm looks for the folder of the logs from where it was called.
        let logs = std::path::absolute(folder).map_err(Error::file("find", folder))?.join("logs");
        if logs.to_string_lossy().contains(['\\', '\n', '\r']) {
            return Err(refused(format!(
                "Slurm cannot write to a folder that has a backslash or a line break in its name: {}",
                logs.display()
            )));
        }
        // A task whose log cannot be written fails without a word.
        fs::create_dir_all(&logs).map_err(Error::file("make the folder", &logs))?;
        let path = folder.join("slurm.sh");
        write_atomic(&path, script(worker, study, workers, threads, &logs).as_bytes())?;
        let mut sbatch = Command::new("sbatch");
        let output = sbatch.arg("--parsable").arg(&path).stdin(Stdio::null()).output();
        let output = output.map_err(|error| Error::Slurm {
            problem: format!(
                "cannot start `sbatch` ({error}): is this a machine of a Slurm cluster? The script is there all the same: {}",
                path.display()
            ),
            error: Some(error),
        })?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(refused(format!("`sbatch` refused {}: {}", path.display(), said.trim())));
        }
        let job = String::from_utf8_lossy(&output.stdout);
        // `--parsable` writes "number" or "number;cluster".
        Ok(Self { job: job.trim().split(';').next().unwrap_or_default().into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn worker() -> WorkerCommand {
        WorkerCommand {
            program: "/opt/sapwood".into(),
            arguments: ["worker", "/studies/life", "--device", "cpu"].map(String::from).to_vec(),
        }
    }

    #[test]
    fn the_script_is_this() {
        let expected = "#!/bin/sh\n\
             #SBATCH --job-name=sapwood-life\n\
             #SBATCH --array=0-3\n\
             #SBATCH --ntasks=1\n\
             #SBATCH --cpus-per-task=2\n\
             #SBATCH --requeue\n\
             #SBATCH --open-mode=append\n\
             #SBATCH --signal=B:USR1@120\n\
             #SBATCH --output=\"/studies/life/logs/slurm-%A_%a.log\"\n\
             export RAYON_NUM_THREADS=\"${SLURM_CPUS_PER_TASK}\"\n\
             exec /opt/sapwood worker /studies/life --device cpu\n";
        assert_eq!(script(&worker(), "life", 4, 2, Path::new("/studies/life/logs")), expected);
    }

    #[test]
    fn names_may_hold_what_slurm_reads_otherwise() {
        let study = format!("100% \"life\" #1{}", "x".repeat(100));
        let script = script(&worker(), &study, 1, 1, Path::new("/runs/100% \"life\" #1/logs"));
        let name = format!("--job-name=sapwood-100___life___1{}\n", "x".repeat(50));
        assert!(script.contains(&name), "{script}");
        assert!(
            script.contains("--output=\"/runs/100%% \\\"life\\\" #1/logs/slurm-%A_%a.log\"\n"),
            "{script}"
        );
    }

    #[test]
    fn what_slurm_cannot_do_is_refused_before_anything_is_written() {
        let place = tempfile::tempdir().unwrap();
        let refused = |workers, folder: &str| {
            let error = Slurm::submit(&worker(), "life", workers, 1, &place.path().join(folder)).unwrap_err();
            assert!(fs::read_dir(place.path()).unwrap().next().is_none());
            error.to_string()
        };
        assert!(refused(1001, "life").contains("at most 1000 tasks"));
        assert!(refused(1, "a\\b").contains("backslash"));
        assert!(refused(1, "a\nb").contains("line break"));
    }
}
