//! Metadata as librdkafka fills it in, read into our own types.

use std::ffi::c_int;

use rdkafka_sys::bindings as c;

use super::{code, raw, text};
use crate::kafka::{ClusterMetadata, Code, PartitionState, TopicMetadata, TopicState};

/// # Safety
/// `metadata` and all it points to must be as `rd_kafka_metadata` filled it in.
pub(super) unsafe fn describe_cluster(metadata: &c::rd_kafka_metadata) -> (ClusterMetadata, Code) {
    // SAFETY: the caller's promise covers each pointer with its count.
    unsafe {
        let brokers = slice(metadata.brokers, metadata.broker_cnt);
        let ids = brokers.iter().map(|broker| broker.id).collect();
        let brokers = brokers.iter().map(|broker| format!("{}:{}", text(broker.host), broker.port)).collect();
        let Some(topic) = slice(metadata.topics.cast::<raw::MetadataTopic>(), metadata.topic_cnt).first() else {
            return (ClusterMetadata { brokers, ids, ..ClusterMetadata::default() }, Code::UnknownTopicOrPartition);
        };
        let partitions = slice(topic.partitions, topic.partition_cnt);
        let described = TopicMetadata {
            partitions: topic.partition_cnt,
            replication_factor: partitions.first().map_or(0, |partition| partition.replica_cnt),
            leaderless: partitions.iter().filter(|p| p.leader < 0).map(|p| p.id).collect(),
            leaders: partitions.iter().map(|partition| (partition.id, partition.leader)).collect(),
            id: None,
        };
        (ClusterMetadata { brokers, ids, topic: described, ..ClusterMetadata::default() }, code(topic.err))
    }
}

/// # Safety
/// `topic` and all it points to must be as `rd_kafka_metadata` filled it in.
pub(super) unsafe fn describe_topic(topic: &raw::MetadataTopic) -> (String, TopicState) {
    // SAFETY: the caller's promise covers each pointer with its count.
    unsafe {
        let partitions = slice(topic.partitions, topic.partition_cnt).iter().map(|partition| PartitionState {
            partition: partition.id,
            leader: (partition.leader >= 0).then_some(partition.leader),
            copies: slice(partition.replicas, partition.replica_cnt).to_vec(),
            in_sync: slice(partition.isrs, partition.isr_cnt).to_vec(),
        });
        let mut partitions: Vec<PartitionState> = partitions.collect();
        partitions.sort_by_key(|partition| partition.partition);
        (text(topic.topic), TopicState { partitions })
    }
}

/// # Safety
/// `first` must point to `count` values that live as long as the result is used, or `count` must be 0.
pub(super) unsafe fn slice<'a, T>(first: *const T, count: c_int) -> &'a [T] {
    match usize::try_from(count) {
        Ok(count) if count > 0 && !first.is_null() => {
            // SAFETY: the caller's promise.
            unsafe { std::slice::from_raw_parts(first, count) }
        }
        _ => &[],
    }
}
