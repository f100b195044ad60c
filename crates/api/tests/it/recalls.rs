//! Recalls in each style of answer, and conversations that are deleted (sections 9 and 10).

use api::{ChatType, Error, Forget, Recall, Recalled, Refusal, Unfit, Unrecalled};
use chat::MessageId;
use serde_json::json;

use crate::sends::{body_of, success};
use crate::server::{Reply, Server};

fn recall(id: &str) -> Recall {
    Recall::new(MessageId::new(id), "teo-77", ChatType::Chat)
}

fn documented() -> Recall {
    Recall {
        from: Some("mara_voss".to_owned()),
        force: true,
        sync_device: Some(true),
        extension: Some("why".to_owned()),
        ..recall("1028442084794698104")
    }
}

async fn answered(reply: Reply) -> Result<Recalled, Error> {
    Server::start([reply]).await.client().recall(&recall("673296835082717140")).await
}

#[tokio::test]
async fn the_documented_recall_is_sent_and_its_answer_read() {
    let data =
        r#"{"recalled":"yes","chattype":"chat","from":"mara_voss","to":"teo-77","msg_id":"1028442084794698104"}"#;
    let server = Server::start([success("/messages/msg_recall", data)]).await;
    assert_eq!(server.client().recall(&documented()).await.unwrap(), Recalled::Done);
    let asked = server.asked().pop().unwrap();
    assert_eq!((asked.method.as_str(), asked.target.as_str()), ("POST", "/harbor-org/lantern/messages/msg_recall"));
    let expected = json!({"msg_id": "1028442084794698104", "to": "teo-77", "from": "mara_voss", "chat_type": "chat",
        "force": true, "sync_device": true, "recallMessageExtensionInfo": "why"});
    assert_eq!(body_of(&asked), expected);
}

#[tokio::test]
async fn both_styles_of_failure_are_answers() {
    let old = |words: &str| format!(r#"{{"msgs":[{{"msg_id":"673296835082717140","recalled":"{words}"}}]}}"#);
    let new = |status, words: &str| Reply::fault(status, "message_recall_error", words);
    for (reply, expected) in [
        (Reply::new(200, old("not_found msg")), Unrecalled::NotFound),
        (Reply::new(403, old("exceed call time limit")), Unrecalled::TooLate),
        (Reply::new(400, old("exceed recall time limit")), Unrecalled::TooLate),
        (Reply::new(500, old("can't find message to")), Unrecalled::WrongRecipient),
        (Reply::new(200, old("internal error")), Unrecalled::Fault),
        (Reply::new(200, old("no idea")), Unrecalled::Other("no idea".to_owned())),
        (new(403, "not_found msg"), Unrecalled::NotFound),
        (new(403, "Exceed recall time limit."), Unrecalled::TooLate),
        (new(400, "can't find msg to"), Unrecalled::WrongRecipient),
    ] {
        assert_eq!(answered(reply).await.unwrap(), Recalled::Not(expected));
    }
}

#[tokio::test]
async fn what_speaks_of_the_call_and_not_of_the_message_is_an_error() {
    let failure = answered(Reply::fault(400, "message_recall_error", "param to can't be empty")).await.unwrap_err();
    assert!(matches!(failure, Error::Declined { status: 400, .. }), "{failure:?}");
    let failure = answered(Reply::fault(403, "forbidden_op", "message recall service is unopened")).await.unwrap_err();
    assert!(matches!(failure, Error::Refused { refusal: Refusal::Permission, .. }), "{failure:?}");
    let failure = answered(Reply::new(500, "")).await.unwrap_err();
    assert!(matches!(failure, Error::ServiceFault { .. }), "{failure:?}");
}

#[tokio::test]
async fn a_recall_is_made_again_when_its_answer_was_lost() {
    let done = success("/messages/msg_recall", r#"{"recalled":"yes"}"#);
    let server = Server::start([Reply::new(502, ""), Reply::new(200, "<html>"), done]).await;
    assert_eq!(server.client().recall(&recall("1")).await.unwrap(), Recalled::Done);
    assert_eq!(server.counts(), (0, 3));
}

#[tokio::test]
async fn a_batch_is_answered_message_by_message() {
    let data = r#"[{"msg_id":"3","recalled":"not_found msg"},{"msg_id":1,"recalled":"yes","chattype":"group_chat"}]"#;
    let server = Server::start([success("/messages/batch_recall", data)]).await;
    let recalls = ["1", "2", "3"].map(recall);
    let outcomes = server.client().recall_batch(&recalls).await.unwrap();
    let expected = [Recalled::Done, Recalled::Not(Unrecalled::Unanswered), Recalled::Not(Unrecalled::NotFound)];
    assert_eq!(outcomes, expected);
    let asked = server.asked().pop().unwrap();
    assert_eq!(asked.target, "/harbor-org/lantern/messages/batch_recall");
    assert_eq!(body_of(&asked)["msgs"].as_array().unwrap().len(), 3);
    let many = vec![recall("1"); 31];
    let failure = server.client().recall_batch(&many).await.unwrap_err();
    assert!(matches!(failure, Error::Unfit(Unfit::TooManyRecalls { count: 31, most: 30 })), "{failure:?}");
    assert_eq!(server.counts(), (0, 1));
}

#[tokio::test]
async fn what_names_no_message_is_not_sent() {
    let server = Server::start([Reply::new(500, "")]).await;
    for recall in [
        recall("../1"),
        recall(""),
        Recall { to: "a b".to_owned(), ..recall("1") },
        Recall { chat_type: ChatType::GroupChat, ..recall("1") },
        Recall { from: Some("é".to_owned()), ..recall("1") },
    ] {
        let failure = server.client().recall(&recall).await.unwrap_err();
        assert!(matches!(failure, Error::Unfit(_)), "{failure:?}");
    }
    assert_eq!(server.counts(), (0, 0));
}

fn forget() -> Forget {
    let (user, with) = ("mara_voss".to_owned(), "teo-77".to_owned());
    Forget { user, with, chat_type: ChatType::Chat, delete_roaming: true }
}

#[tokio::test]
async fn a_conversation_is_deleted_with_a_body() {
    let server = Server::start([success("/users/user_channel", r#"{"result":"ok"}"#)]).await;
    server.client().delete_conversation(&forget()).await.unwrap();
    let asked = server.asked().pop().unwrap();
    assert_eq!(
        (asked.method.as_str(), asked.target.as_str()),
        ("DELETE", "/harbor-org/lantern/users/mara_voss/user_channel")
    );
    assert_eq!(asked.body, r#"{"channel":"teo-77","type":"chat","delete_roam":true}"#);
}

#[tokio::test]
async fn a_deletion_that_is_not_said_to_be_done_is_none() {
    for (reply, expected) in [
        (success("/x", r#"{"result":"failed"}"#), "cannot be understood: it does not say `ok`"),
        (Reply::fault(400, "illegal_argument", "field channel cannot be null or empty"), "the service declines (400"),
        (Reply::fault(400, "invalid_request_body", "Request body is invalid"), "the service declines (400"),
    ] {
        let failure = Server::start([reply]).await.client().delete_conversation(&forget()).await.unwrap_err();
        assert!(failure.to_string().contains(expected), "{failure}");
    }
    let room = Forget { chat_type: ChatType::ChatRoom, ..forget() };
    let server = Server::start([Reply::new(500, "")]).await;
    let failure = server.client().delete_conversation(&room).await.unwrap_err();
    assert!(matches!(failure, Error::Unfit(Unfit::NotFor { .. })), "{failure:?}");
    assert_eq!(server.counts(), (0, 0));
}
