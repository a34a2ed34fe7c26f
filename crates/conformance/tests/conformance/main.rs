//! Every device against PyTorch's answers.

mod collapse;
mod files;
mod logits;
mod nested;
mod operations;
mod scores;
mod training;
