//! Messages to and from Arrow and Parquet.
