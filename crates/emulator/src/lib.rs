//! A local Chat service: seeded histories, scripted faults.
