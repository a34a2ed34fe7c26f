//! The command line as a user meets it: a process of its own, its two outputs and
//! its exit code.

mod child;
mod classes;
mod commands;
mod compressing;
mod deployment;
mod disk;
mod files;
mod listening;
mod mistakes;
mod numpy;
mod onnx;
mod own_images;
mod own_networks;
mod packing;
mod photos;
mod preprocess;
mod pruning;
mod quantised_layers;
mod quantising;
mod reasons;
mod resume;
mod rounding;
mod safetensors;
mod schedules;
mod searching;
mod shrinking;
mod state_dict;
mod studies;
mod study_results;
mod supernet;
mod tables;
mod transfer;
mod weights;
mod workplace;
