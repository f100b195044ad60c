//! What a message says, as the command line has it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use api::{Body, Client, FileAt, JsonBody, Upload};
use chat::Secret;
use clap::ValueHint;

use crate::commands::call::{SecretArgs, size};
use crate::context::Context;
use crate::error::CommandError;

/// What a message says: one of these.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("says").required(true))]
pub(super) struct BodyArgs {
    /// A text
    #[arg(long, value_name = "TEXT", group = "says", allow_hyphen_values = true, help_heading = HEADING)]
    text: Option<String>,

    /// A picture
    #[arg(long, value_name = "FILE-or-URL", group = "says", value_hint = ValueHint::FilePath, help_heading = HEADING)]
    image: Option<String>,

    /// A voice message, of --duration seconds
    #[arg(long, value_name = "FILE-or-URL", group = "says", value_hint = ValueHint::FilePath, help_heading = HEADING)]
    voice: Option<String>,

    /// A film, with --duration and a --still
    #[arg(long, value_name = "FILE-or-URL", group = "says", value_hint = ValueHint::FilePath, help_heading = HEADING)]
    video: Option<String>,

    /// Any other file
    #[arg(long, value_name = "FILE-or-URL", group = "says", value_hint = ValueHint::FilePath, help_heading = HEADING)]
    file: Option<String>,

    /// A place: degrees north, degrees east, and its address
    #[arg(long, value_name = "LAT,LNG,ADDR", group = "says", allow_hyphen_values = true, help_heading = HEADING)]
    location: Option<String>,

    /// A command for the app, which no person sees
    #[arg(long, value_name = "ACTION", group = "says", help_heading = HEADING)]
    command: Option<String>,

    /// An event of the app, with --attribute
    #[arg(long, value_name = "EVENT", group = "says", help_heading = HEADING)]
    custom: Option<String>,

    /// A body as records have it: a JSON object with its `type`
    #[arg(long, value_name = "JSON", group = "says", help_heading = HEADING)]
    body: Option<String>,

    /// An attribute of an event; at most 16
    #[arg(long, value_name = "KEY=VALUE", num_args = 1.., requires = "custom", value_parser = attribute, help_heading = HEADING)]
    attribute: Vec<(String, String)>,

    /// How long a voice message or a film is, in seconds
    #[arg(long, value_name = "SECONDS", help_heading = HEADING)]
    duration: Option<u32>,

    /// How large a picture is, in pixels
    #[arg(long, value_name = "WIDTHxHEIGHT", requires = "image", value_parser = size, help_heading = HEADING)]
    size: Option<(u32, u32)>,

    /// A still of a film
    #[arg(long, value_name = "FILE-or-URL", requires = "video", value_hint = ValueHint::FilePath, help_heading = HEADING)]
    still: Option<String>,

    /// How the file is called [default: its own name]
    #[arg(long, value_name = "NAME", help_heading = HEADING)]
    filename: Option<String>,

    /// Upload files so that they can be had with a secret alone, which the message carries
    #[arg(long, help_heading = HEADING)]
    restrict_access: bool,

    #[command(flatten)]
    secret: SecretArgs,
}

const HEADING: &str = "What it says";

/// A body of which every file is where its URL says.
pub(super) struct Ready(pub(super) Body);

/// A pair of an attribute.
fn attribute(text: &str) -> Result<(String, String), &'static str> {
    let (key, value) = text.split_once('=').filter(|(key, _)| !key.is_empty()).ok_or("write KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

impl BodyArgs {
    /// What is to be uploaded first.
    pub(super) fn uploads(&self) -> impl Iterator<Item = Upload> {
        self.files().into_iter().filter(|name| !is_url(name)).map(|name| self.upload(name))
    }

    fn files(&self) -> Vec<&str> {
        let files = [&self.image, &self.voice, &self.video, &self.file, &self.still];
        files.into_iter().filter_map(|file| file.as_deref()).collect()
    }

    fn upload(&self, name: &str) -> Upload {
        Upload { path: PathBuf::from(name), restrict_access: self.restrict_access, thumbnail: None }
    }

    /// The share secret of a file at a URL. Read once: it may come from stdin.
    pub(super) fn secret(&self) -> Result<Option<Secret>, CommandError> {
        self.secret.read()
    }

    /// The body with a made-up address for each file that would be uploaded, after a look at the file itself.
    pub(super) fn without_upload(&self, context: &Context, secret: &Option<Secret>) -> Result<Ready, CommandError> {
        self.sense()?;
        let (base_url, limits) = (context.base_url()?, context.limits());
        let mut places = Vec::new();
        for name in self.files() {
            if !is_url(name) {
                self.upload(name).preview(base_url, &limits)?;
                places.push(FileAt::new(&format!("{base_url}/chatfiles/uuid-of-the-upload"))?.named(file_name(name)));
            }
        }
        self.made(places, secret)
    }

    /// The body, when its files are uploaded.
    pub(super) async fn ready(
        &self,
        context: &Context,
        client: &Client,
        secret: &Option<Secret>,
    ) -> Result<Ready, CommandError> {
        let mut places = Vec::new();
        for upload in self.uploads() {
            let failed =
                |error| CommandError::from(error).while_doing(format!("could not upload {}", upload.path.display()));
            let uploaded = client.upload(&upload).await.map_err(failed)?;
            context.output.note(format_args!("uploaded {} as {}", upload.path.display(), uploaded.uuid));
            places.push(uploaded.at);
        }
        self.made(places, secret)
    }

    /// Flags that belong to another type.
    fn sense(&self) -> Result<(), CommandError> {
        let has_file = !self.files().is_empty();
        if self.duration.is_some() && self.voice.is_none() && self.video.is_none() {
            return Err(CommandError::usage("--duration goes with --voice and --video"));
        }
        if (self.filename.is_some() || self.restrict_access) && !has_file {
            return Err(CommandError::usage("--filename and --restrict-access go with a file"));
        }
        let main = [&self.image, &self.voice, &self.video, &self.file].into_iter().flatten().next();
        if self.secret.is_given() && !main.is_some_and(|name| is_url(name)) {
            return Err(CommandError::usage(
                "a share secret goes with the URL of a file; an upload gets one of its own",
            ));
        }
        if self.restrict_access && self.uploads().next().is_none() {
            return Err(CommandError::usage("--restrict-access is for files that are uploaded, not for a URL"));
        }
        Ok(())
    }

    /// `places` are the addresses of what was uploaded, in order.
    fn made(&self, places: Vec<FileAt>, secret: &Option<Secret>) -> Result<Ready, CommandError> {
        let mut places = places.into_iter();
        let mut main = |name: &String| -> Result<FileAt, CommandError> {
            let file = place_of(name, &mut places)?.with_secret(secret.clone());
            let called = self.filename.clone().or_else(|| Some(file_name(name)).filter(|_| !is_url(name)));
            let called = called.or_else(|| self.file.as_ref().map(|name| file_name(name)));
            Ok(match called {
                Some(called) => file.named(called),
                None => file,
            })
        };
        let body = if let Some(name) = &self.image {
            Body::Image { file: main(name)?, size: self.size }
        } else if let Some(name) = &self.voice {
            Body::Voice { file: main(name)?, seconds: self.duration }
        } else if let Some(name) = &self.video {
            let bytes = Path::new(name).metadata().ok().map(|metadata| metadata.len()).filter(|_| !is_url(name));
            let file = main(name)?;
            let thumbnail = self.still.as_ref().map(|name| place_of(name, &mut places)).transpose()?;
            Body::Video { file, seconds: self.duration, bytes, thumbnail }
        } else if let Some(name) = &self.file {
            Body::File(main(name)?)
        } else {
            self.without_file()?
        };
        Ok(Ready(body))
    }

    fn without_file(&self) -> Result<Body, CommandError> {
        Ok(match (&self.text, &self.location, &self.command, &self.custom, &self.body) {
            (Some(text), ..) => Body::Text(text.clone()),
            (_, Some(place), ..) => location(place)?,
            (_, _, Some(action), ..) => Body::Command { action: action.clone() },
            (_, _, _, Some(event), _) => Body::Custom { event: event.clone(), attributes: self.attributes()? },
            (_, _, _, _, Some(body)) => Body::Json(body.parse::<JsonBody>()?),
            _ => return Err(CommandError::usage("the message says nothing")),
        })
    }

    fn attributes(&self) -> Result<BTreeMap<String, String>, CommandError> {
        let mut attributes = BTreeMap::new();
        for (key, value) in &self.attribute {
            if attributes.insert(key.clone(), value.clone()).is_some() {
                return Err(CommandError::usage(format!("the attribute `{key}` is given twice")));
            }
        }
        Ok(attributes)
    }
}

/// Where a file is: at its URL, or where it was uploaded to.
fn place_of(name: &str, uploaded: &mut impl Iterator<Item = FileAt>) -> Result<FileAt, CommandError> {
    let place = if is_url(name) { None } else { uploaded.next() };
    place.map_or_else(|| Ok(FileAt::new(name)?), Ok)
}

fn location(text: &str) -> Result<Body, CommandError> {
    let mut parts = text.splitn(3, ',').map(|part| part.trim().to_owned());
    match (parts.next(), parts.next(), parts.next()) {
        (Some(latitude), Some(longitude), Some(address)) => Ok(Body::Location { latitude, longitude, address }),
        _ => Err(CommandError::usage(format!("`{text}` is no place: write LAT,LNG,ADDR, such as 54.1,-7.5,the quay"))),
    }
}

fn is_url(name: &str) -> bool {
    name.starts_with("http://") || name.starts_with("https://")
}

/// The last part of a path or URL, without a query.
fn file_name(name: &str) -> String {
    let path = if is_url(name) { name.split(['?', '#']).next().unwrap_or(name) } else { name };
    path.rsplit('/').next().unwrap_or(path).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_and_places_have_forms() {
        assert_eq!(attribute("k=v=w"), Ok(("k".to_owned(), "v=w".to_owned())));
        assert!(attribute("k").is_err() && attribute("=v").is_err());
        let Ok(Body::Location { address, longitude, .. }) = location("54.1, -7.5,the quay, north") else { panic!() };
        assert_eq!((longitude.as_str(), address.as_str()), ("-7.5", "the quay, north"));
        assert!(location("54.1,-7.5").is_err());
    }

    #[test]
    fn a_file_is_called_by_the_end_of_its_path() {
        for (name, expected) in
            [("a/b.png", "b.png"), ("b.png", "b.png"), ("https://h/x/b.png?sig=a/b", "b.png"), ("a?b", "a?b")]
        {
            assert_eq!(file_name(name), expected);
        }
    }
}
