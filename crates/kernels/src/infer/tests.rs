//! Steps against their definitions.
