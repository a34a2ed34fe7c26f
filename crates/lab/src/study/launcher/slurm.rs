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

/// The script of the job array. Slurm's accounting is not asked for anything: where runs
/// are is in the study's folder.
///
/// A task that is preempted is put into the queue again, and Slurm says so two minutes
/// before with a signal, at which the worker writes a checkpoint and gives its run back.
/// `exec` puts the worker in the place of the shell, which would keep signals to itself.
pub fn script(worker: &WorkerCommand, study: &str, workers: usize, logs: &Path) -> String {
    format!(
        "#!/bin/sh\n\
         #SBATCH --job-name=sapwood-{study}\n\
         #SBATCH --array=0-{last}\n\
         #SBATCH --ntasks=1\n\
         #SBATCH --requeue\n\
         #SBATCH --open-mode=append\n\
         #SBATCH --signal=B:USR1@120\n\
         #SBATCH --output={logs}/slurm-%A_%a.log\n\
         exec {command}\n",
        last = workers.max(1) - 1,
        logs = logs.display(),
        command = worker.to_shell(),
    )
}

impl Slurm {
    /// Writes the script and hands it in with `sbatch`.
    pub fn submit(worker: &WorkerCommand, study: &str, workers: usize, folder: &Path) -> Result<Self, Error> {
        let logs = folder.join("logs");
        fs::create_dir_all(&logs).map_err(Error::file("make the folder", &logs))?;
        let path = folder.join("slurm.sh");
        write_atomic(&path, script(worker, study, workers, &logs).as_bytes())?;
        let mut sbatch = Command::new("sbatch");
        let output = sbatch.arg("--parsable").arg(&path).stdin(Stdio::null()).output();
        let output = output.map_err(|error| Error::Usage(format!(
            "cannot start `sbatch` ({error}): is this a machine of a Slurm cluster? The script is there all the same: {}",
            path.display()
        )))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(Error::Usage(format!("`sbatch` refused {}: {}", path.display(), said.trim())));
        }
        let job = String::from_utf8_lossy(&output.stdout);
        // `--parsable` writes "number" or "number;cluster".
        Ok(Self { job: job.trim().split(';').next().unwrap_or_default().into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_is_this() {
        let worker = WorkerCommand {
            program: "/opt/sapwood".into(),
            arguments: ["worker", "/home/me/runs/life", "--device", "cpu"].map(String::from).to_vec(),
        };
        let expected = "#!/bin/sh\n\
             #SBATCH --job-name=sapwood-life\n\
             #SBATCH --array=0-3\n\
             #SBATCH --ntasks=1\n\
             #SBATCH --requeue\n\
             #SBATCH --open-mode=append\n\
             #SBATCH --signal=B:USR1@120\n\
             #SBATCH --output=/home/me/runs/life/logs/slurm-%A_%a.log\n\
             exec /opt/sapwood worker /home/me/runs/life --device cpu\n";
        assert_eq!(script(&worker, "life", 4, Path::new("/home/me/runs/life/logs")), expected);
    }
}
