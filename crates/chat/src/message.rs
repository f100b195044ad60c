//! One record of the service.

use std::borrow::Cow;

use crate::Part;
use crate::body::BodyType;
use crate::hour::Hour;
use crate::secret::without_share_secrets;
use crate::time::Timestamp;

/// More parts than an hour is ever served in. What an earlier publication of an hour had and the newest bytes have not
/// keeps its line, and its part plus this: so it has a place of its own, and `part % RETAINED_PARTS` is where it was.
pub const RETAINED_PARTS: Part = 1_000;

/// Where a line stood among what was served: the key by which its row and its document know each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The hour that the line was served in.
    pub source_hour: Hour,
    /// The part of that hour.
    pub part: Part,
    /// The ordinal of the framed record, dead letter or blank line within the part, from 1. It is the line number of the
    /// file, unless objects before it were glued together on a line, or to something else, or spread over several.
    pub line: u64,
}

/// One record, in the columns of the table `messages` (decision D4). It borrows from the unpacked bytes where it can.
///
/// What a column cannot hold exactly is also in `rest`; the column then holds the nearest honest value. From all columns
/// together the original JSON value can be rebuilt.
#[derive(Debug, Clone, PartialEq)]
pub struct Message<'a> {
    /// Where it stood: the columns `source_hour`, `part` and `line`.
    pub position: Position,
    /// The service's id; not unique across hours.
    pub msg_id: Option<Cow<'a, str>>,
    /// When the server had sent it; milliseconds on the wire.
    pub sent_at: Option<Timestamp>,
    /// `chat`, `groupchat`, `chatroom`, or an event's name; normalised (protocol section 4.2).
    pub chat_type: Option<Cow<'a, str>>,
    /// Who said it: `payload.from`, else `from`, without decoration.
    pub sender: Option<Cow<'a, str>>,
    /// The user, group, room or thread it was said to: `payload.to`, else `to`, without decoration.
    pub recipient: Option<Cow<'a, str>>,
    /// Where it was said, as one comparable key, see [`crate::Conversation::key`].
    pub conversation: Option<Cow<'a, str>>,
    /// `outgoing`, or what else was written there.
    pub direction: Option<Cow<'a, str>>,
    /// The type of the first body.
    pub body_type: Option<BodyType>,
    /// What was said; of forwarded messages the title and the summary.
    pub text: Option<Cow<'a, str>>,
    /// The name of the attached file.
    pub filename: Option<Cow<'a, str>>,
    /// The length of the attached file in bytes.
    pub file_length: Option<i64>,
    /// The length of a voice or video message in seconds.
    pub duration_s: Option<f64>,
    /// The width of an image or thumbnail in pixels.
    pub width: Option<f64>,
    /// The height of an image or thumbnail in pixels.
    pub height: Option<f64>,
    /// Where the attached file is.
    pub url: Option<Cow<'a, str>>,
    /// The share secret of the attached file.
    pub secret: Option<Cow<'a, str>>,
    /// Where the thumbnail is.
    pub thumb_url: Option<Cow<'a, str>>,
    /// The share secret of the thumbnail.
    pub thumb_secret: Option<Cow<'a, str>>,
    /// The latitude of a place in degrees.
    pub lat: Option<f64>,
    /// The longitude of a place in degrees.
    pub lng: Option<f64>,
    /// The address of a place.
    pub addr: Option<Cow<'a, str>>,
    /// What a command asks the app to do.
    pub action: Option<Cow<'a, str>>,
    /// The name of a custom event.
    pub custom_event: Option<Cow<'a, str>>,
    /// The attributes of a custom event: the text of one JSON object whose values are strings or JSON as written.
    pub custom_exts: Option<Cow<'a, str>>,
    /// The app's own attributes: JSON text as written.
    pub ext: Option<Cow<'a, str>>,
    /// What the other columns cannot hold exactly: the text of one JSON object, laid out by `decode`.
    pub rest: Option<Cow<'a, str>>,
    /// When the service was found to serve this message no more, in an hour file that had changed since; `None` for what
    /// it serves. It is no part of what the message says. The `part` of such a row is that of the file it was last served
    /// in, counted on from [`crate::RETAINED_PARTS`] once for every publication of the hour since.
    pub retained_at: Option<Timestamp>,
    /// The id of the message that this one speaks of: the one that an event recalls, edits, acknowledges or reacts to, or the
    /// one that a thread hangs on. It follows from the record, which says it elsewhere too.
    pub about: Option<Cow<'a, str>>,
}

impl<'a> Message<'a> {
    /// A message of which nothing but its position is known.
    #[must_use]
    pub fn at(position: Position) -> Self {
        Self {
            position,
            msg_id: None,
            sent_at: None,
            chat_type: None,
            sender: None,
            recipient: None,
            conversation: None,
            direction: None,
            body_type: None,
            text: None,
            filename: None,
            file_length: None,
            duration_s: None,
            width: None,
            height: None,
            url: None,
            secret: None,
            thumb_url: None,
            thumb_secret: None,
            lat: None,
            lng: None,
            addr: None,
            action: None,
            custom_event: None,
            custom_exts: None,
            ext: None,
            rest: None,
            retained_at: None,
            about: None,
        }
    }

    /// Whether its time lies outside the hour it was served in: imported, or late.
    #[must_use]
    pub fn is_stray(&self) -> bool {
        self.sent_at.is_some_and(|time| Hour::containing(time) != self.position.source_hour)
    }

    /// The texts that a search of words looks through, in a fixed order: text, file name, address, action, custom event.
    ///
    /// The index and a scan of the tables both read a message through this, so that they agree.
    pub fn searchable(&self) -> impl Iterator<Item = &str> {
        [&self.text, &self.filename, &self.addr, &self.action, &self.custom_event]
            .into_iter()
            .filter_map(|text| text.as_deref())
    }

    /// Takes the share secrets out of the columns that hold one, or a URL that may, be it in what somebody wrote. `rest`, which
    /// may quote more, is for who reads JSON, and `ext` is the app's own.
    pub fn hide_share_secrets(&mut self) {
        (self.secret, self.thumb_secret) = (None, None);
        let attached = [&mut self.url, &mut self.thumb_url, &mut self.filename, &mut self.custom_exts];
        for text in
            attached.into_iter().chain([&mut self.text, &mut self.addr, &mut self.action, &mut self.custom_event])
        {
            if let Some(Cow::Owned(shown)) = text.as_deref().map(without_share_secrets) {
                *text = Some(Cow::Owned(shown));
            }
        }
    }

    /// The same message with its own copy of every text.
    #[must_use]
    pub fn into_owned(self) -> Message<'static> {
        let own = |text: Option<Cow<'a, str>>| text.map(|text| Cow::Owned(text.into_owned()));
        Message {
            position: self.position,
            msg_id: own(self.msg_id),
            sent_at: self.sent_at,
            chat_type: own(self.chat_type),
            sender: own(self.sender),
            recipient: own(self.recipient),
            conversation: own(self.conversation),
            direction: own(self.direction),
            body_type: self.body_type,
            text: own(self.text),
            filename: own(self.filename),
            file_length: self.file_length,
            duration_s: self.duration_s,
            width: self.width,
            height: self.height,
            url: own(self.url),
            secret: own(self.secret),
            thumb_url: own(self.thumb_url),
            thumb_secret: own(self.thumb_secret),
            lat: self.lat,
            lng: self.lng,
            addr: own(self.addr),
            action: own(self.action),
            custom_event: own(self.custom_event),
            custom_exts: own(self.custom_exts),
            ext: own(self.ext),
            rest: own(self.rest),
            retained_at: self.retained_at,
            about: own(self.about),
        }
    }
}
