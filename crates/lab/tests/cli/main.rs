//! The command line as a user meets it: a process of its own, its two outputs and
//! its exit code.

mod child;
mod commands;
mod deployment;
mod disk;
mod files;
mod mistakes;
mod pruning;
mod resume;
mod safetensors;
mod searching;
mod studies;
mod supernet;
mod tables;
mod weights;
mod workplace;
