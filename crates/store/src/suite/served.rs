//! The served bytes of an hour: kept whole, replaced whole, and found without a look at each hour.

use super::*;

#[tokio::test]
async fn served_bytes_are_kept_and_replaced_whole() {
    for ground in Ground::both() {
        let archive = ground.open().await;
        assert_eq!(archive.raw_hour(hour(0)).unwrap(), RawHour::Absent);
        for parts in [&["one", "two"][..], &["all"], &["a", "b", "c"]] {
            keep(&archive, parts).unwrap();
            assert_eq!(kept(&archive).unwrap(), parts);
            assert_eq!(kept(&ground.open().await).unwrap(), parts);
        }
        assert_eq!(archive.raw_hours().unwrap(), [hour(0)]);
        if let Some(bucket) = &ground.bucket {
            assert_eq!(objects(bucket, "raw").await.len(), 4, "three parts and their list");
            let part = objects(bucket, "raw").await.into_iter().find(|name| name.contains("-1-")).unwrap();
            bucket.delete(&Path::from(part)).await.unwrap();
            assert!(matches!(archive.raw_hour(hour(0)).unwrap(), RawHour::Broken { .. }));
        }
    }
}

#[tokio::test]
async fn the_lists_of_a_range_say_what_is_kept_in_it() {
    for ground in Ground::both() {
        let archive = ground.open().await;
        let range = Hours::between(hour(0), hour(48));
        assert_eq!(archive.raw_lists(range).unwrap(), BTreeMap::new());
        for number in [-1, 0, 30, 47, 48] {
            let mut stage = archive.stage_raw(hour(number), 0).unwrap();
            write!(stage, "of {number}").unwrap();
            archive.keep_raw(hour(number), vec![stage.seal()]).unwrap();
        }
        keep(&archive, &["one", "two"]).unwrap();
        let mut expected = BTreeMap::new();
        for number in [0, 30, 47] {
            let parts = archive.raw_parts(hour(number)).unwrap().unwrap();
            expected.insert(hour(number), parts.into_iter().map(|part| part.sha256).collect::<Vec<_>>());
        }
        assert_eq!(expected[&hour(0)].len(), 2);
        assert_eq!(archive.raw_lists(range).unwrap(), expected);
        // A list that cannot be understood keeps nobody from the others.
        let list = format!("raw/2026/03/15/{}.json", hour(30).key());
        match &ground.bucket {
            None => std::fs::write(ground.folder.path().join(&list), "{").unwrap(),
            Some(bucket) => drop(bucket.put(&Path::from(list), "{".into()).await.unwrap()),
        }
        expected.remove(&hour(30));
        assert_eq!(archive.raw_lists(range).unwrap(), expected);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn keepers_of_one_hour_at_once_leave_the_bytes_of_one_of_them() {
    for ground in Ground::both() {
        let archives = [ground.open().await, ground.open().await];
        std::thread::scope(|scope| {
            for (archive, bytes) in archives.iter().zip(["a", "b"]) {
                scope.spawn(move || (0..20).for_each(|_| keep(archive, &[bytes, bytes, bytes]).unwrap()));
            }
        });
        let kept = kept(&archives[0]).unwrap();
        assert!(kept.iter().all(|part| *part == kept[0]), "{kept:?}");
        if let Some(bucket) = &ground.bucket {
            assert_eq!(objects(bucket, "raw").await.len(), 4, "what the other one kept is gone");
        }
    }
}
