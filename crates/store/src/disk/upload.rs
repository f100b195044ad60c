//! An object that arrives in parts.

use std::io::{self, Seek, SeekFrom, Write};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use object_store::path::Path;
use object_store::{MultipartUpload, PutPayload, PutResult, Result, UploadPart};
use tempfile::NamedTempFile;

use super::{Disk, Present, blocking};

/// Parts go straight to their place in a temporary file, in whatever order they are awaited.
#[derive(Debug)]
pub(super) struct Upload {
    disk: Disk,
    location: Path,
    /// `None` once it was completed or aborted.
    file: Arc<Mutex<Option<NamedTempFile>>>,
    /// Where the next part begins.
    length: u64,
}

impl Upload {
    pub(super) fn new(disk: Disk, location: Path, file: NamedTempFile) -> Self {
        Self { disk, location, file: Arc::new(Mutex::new(Some(file))), length: 0 }
    }

    fn take(&self) -> Option<NamedTempFile> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

#[async_trait]
impl MultipartUpload for Upload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let start = self.length;
        self.length += data.content_length() as u64;
        let (file, location) = (Arc::clone(&self.file), self.location.clone());
        Box::pin(async move {
            blocking(&location, move || {
                let mut held = file.lock().unwrap_or_else(PoisonError::into_inner);
                let file = held.as_mut().ok_or_else(over)?;
                file.seek(SeekFrom::Start(start))?;
                data.iter().try_for_each(|chunk| file.write_all(chunk))
            })
            .await
        })
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let (file, disk, to) = (self.take(), self.disk.clone(), self.location.clone());
        blocking(&self.location, move || disk.place(file.ok_or_else(over)?, &to, Present::Replace)).await?;
        Ok(PutResult { e_tag: None, version: None })
    }

    async fn abort(&mut self) -> Result<()> {
        drop(self.take());
        Ok(())
    }
}

fn over() -> io::Error {
    io::Error::other("the upload is over")
}
