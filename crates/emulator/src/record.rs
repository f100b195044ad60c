//! One record of the service, and the orders in which producers write its keys (protocol section 4.1).

use crate::json::Members;

/// A record. Text that is empty stands for a member that is absent, unless said otherwise.
#[derive(Debug, Clone, Default)]
pub(crate) struct Record {
    pub(crate) chat_type: &'static str,
    /// `payload.from`.
    pub(crate) from: String,
    /// `payload.to`.
    pub(crate) to: String,
    /// Whether `payload` lacks both, which then stand outside only.
    pub(crate) outer_only: bool,
    /// The outer `from`, when it differs.
    pub(crate) outer_from: String,
    /// The outer `to`, when it differs.
    pub(crate) outer_to: String,
    pub(crate) id: String,
    /// Milliseconds since 1970.
    pub(crate) time: i64,
    /// Whether the time is written as a string.
    pub(crate) time_is_text: bool,
    /// JSON.
    pub(crate) ext: String,
    /// JSON.
    pub(crate) bodies: String,
    pub(crate) payload_type: &'static str,
    /// JSON.
    pub(crate) meta: String,
    /// Further members of `payload`, without braces.
    pub(crate) payload_more: String,
    /// `None` is absent, since it may be empty.
    pub(crate) direction: Option<&'static str>,
    /// Further members of the record, without braces.
    pub(crate) more: String,
}

/// The order of the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// As the documentation shows it, and as 2017's files had it.
    Documented,
    /// As files have it since 2018.
    Today,
}

impl Record {
    /// Empties a record for its next use; buffers stay.
    pub(crate) fn clear(&mut self) {
        let texts = [
            &mut self.from,
            &mut self.to,
            &mut self.outer_from,
            &mut self.outer_to,
            &mut self.id,
            &mut self.ext,
            &mut self.bodies,
            &mut self.meta,
            &mut self.payload_more,
            &mut self.more,
        ];
        texts.into_iter().for_each(String::clear);
        self.outer_only = false;
        self.time_is_text = false;
        self.payload_type = "";
        self.direction = Some("outgoing");
    }

    /// Appends the record as one line, without its end. Both orders have the same value.
    pub(crate) fn write(&self, order: Order, into: &mut String) {
        let mut record = Members::open(into);
        match order {
            Order::Documented => {
                self.id(&mut record);
                self.time(&mut record);
                self.direction(&mut record);
                self.outer(&mut record, "to", &self.outer_to, &self.to);
                self.outer(&mut record, "from", &self.outer_from, &self.from);
                record.text("chat_type", self.chat_type);
                self.payload(&mut record, order);
            }
            Order::Today => {
                record.text("chat_type", self.chat_type);
                self.payload(&mut record, order);
                self.outer(&mut record, "from", &self.outer_from, &self.from);
                self.outer(&mut record, "to", &self.outer_to, &self.to);
                self.id(&mut record);
                self.time(&mut record);
                self.direction(&mut record);
            }
        }
        record.members(&self.more).close();
    }

    fn payload(&self, record: &mut Members<'_>, order: Order) {
        let mut payload = record.object("payload");
        let (first, second) = match order {
            Order::Documented => (("bodies", &self.bodies), ("ext", &self.ext)),
            Order::Today => (("ext", &self.ext), ("bodies", &self.bodies)),
        };
        for (key, value) in [first, second, ("meta", &self.meta)] {
            if !value.is_empty() {
                payload.raw(key, value);
            }
        }
        payload.members(&self.payload_more);
        if !self.outer_only {
            payload.text("from", &self.from).text("to", &self.to);
        }
        if !self.payload_type.is_empty() {
            payload.text("type", self.payload_type);
        }
        payload.close();
    }

    fn outer(&self, record: &mut Members<'_>, key: &str, outer: &str, inner: &str) {
        record.text(key, if outer.is_empty() { inner } else { outer });
    }

    fn id(&self, record: &mut Members<'_>) {
        record.text("msg_id", &self.id);
    }

    fn time(&self, record: &mut Members<'_>) {
        if self.time_is_text {
            record.text("timestamp", &self.time.to_string());
        } else {
            record.number("timestamp", self.time);
        }
    }

    fn direction(&self, record: &mut Members<'_>) {
        if let Some(direction) = self.direction {
            record.text("direction", direction);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn both_orders_have_one_value() {
        let mut record = Record { chat_type: "chat", ..Record::default() };
        record.clear();
        record.from.push_str("mara_voss");
        record.to.push_str("teo-77");
        record.ext.push_str(r#"{"locale":"zh-CN","seq":17}"#);
        record.bodies.push_str(r#"[{"msg":"好","type":"txt"}]"#);
        record.id.push_str("1412077346211612694");
        record.time = 1_773_478_804_210;
        let written = |order| {
            let mut line = String::new();
            record.write(order, &mut line);
            line
        };
        let (today, documented) = (written(Order::Today), written(Order::Documented));
        assert_eq!(
            today,
            r#"{"chat_type":"chat","payload":{"ext":{"locale":"zh-CN","seq":17},"bodies":[{"msg":"好","type":"txt"}],"from":"mara_voss","to":"teo-77"},"from":"mara_voss","to":"teo-77","msg_id":"1412077346211612694","timestamp":1773478804210,"direction":"outgoing"}"#
        );
        assert_ne!(today, documented);
        let value = |line: &str| serde_json::from_str::<Value>(line).unwrap();
        assert_eq!(value(&today), value(&documented));
    }
}
