//! What is written can be read, by whom, and stays.

use super::*;

#[tokio::test]
async fn what_is_written_comes_back_in_order() {
    let (_root, path) = place();
    let journal = written(&path, 3).await;
    let records = journal.records().unwrap();
    let seqs: Vec<u64> = records.iter().map(|kept| kept.seq).collect();
    assert_eq!(seqs, [0, 1, 2]);
    assert_eq!(records[2].record, said("note 2", 2));
    drop(journal);
    let again = open(&path);
    assert_eq!(again.append(said("later", 9)).await.unwrap(), 3);
    assert_eq!(again.records().unwrap().len(), 4);
    let picture = again.picture();
    assert_eq!((picture.total, picture.records.len()), (4, 4));
    let Standing::Whole(words) = picture.standing else {
        unreachable!("{:?}", picture.standing);
    };
    assert!(words.raw().contains("every record holds"), "{words}");
}
