//! Every device against PyTorch's answers.

mod collapse;
mod files;
mod logits;
mod operations;
mod scores;
mod training;
