//! Every device against PyTorch's answers.

mod files;
mod logits;
mod operations;
mod scores;
mod training;
