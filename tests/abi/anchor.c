/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Anchor: one object whose debug information reaches every type of the ABI,
 * for abidiff to compare with the stored description of it.
 */
#include <harbor-replicator/hr-abi.h>
#include <harbor-replicator/hr-document.h>
#include <harbor-replicator/hr-host.h>
#include <harbor-replicator/hr-plugin.h>
#include <harbor-replicator/hr-registry.h>
#include <harbor-replicator/hr-sink.h>
#include <harbor-replicator/hr-strategy.h>

hr_host_log hr_anchor_host_log;
hr_host_call hr_anchor_host_call;
hr_host_config hr_anchor_host_config;
hr_host_names hr_anchor_host_names;
hr_http_answer hr_anchor_http_answer;
hr_http_request hr_anchor_http_request;
hr_host_http hr_anchor_host_http;
hr_blob_upload hr_anchor_blob_upload;
hr_host_blob hr_anchor_host_blob;
hr_host_digest hr_anchor_host_digest;
hr_host_metric hr_anchor_host_metric;
hr_host hr_anchor_host;
hr_option hr_anchor_option;
hr_provider hr_anchor_provider;
hr_plugin hr_anchor_plugin;
hr_manifest_query hr_anchor_manifest_query;
hr_blob hr_anchor_blob;
hr_blob_query hr_anchor_blob_query;
hr_ability hr_anchor_ability;
hr_ability_sink hr_anchor_ability_sink;
hr_examination hr_anchor_examination;
hr_blob_break hr_anchor_blob_break;
hr_manifest_sink hr_anchor_manifest_sink;
hr_manifest_put hr_anchor_manifest_put;
hr_referrers_query hr_anchor_referrers_query;
hr_document hr_anchor_document;
hr_document_sink hr_anchor_document_sink;
hr_document_scope hr_anchor_document_scope;
hr_fit_sink hr_anchor_fit_sink;
hr_document_fit hr_anchor_document_fit;
hr_document_write hr_anchor_document_write;
hr_secret_check hr_anchor_secret_check;
hr_identity hr_anchor_identity;
hr_artifact hr_anchor_artifact;
hr_artifact_sink hr_anchor_artifact_sink;
hr_part hr_anchor_part;
hr_part_sink hr_anchor_part_sink;
hr_content_write hr_anchor_content_write;
hr_registry_ops hr_anchor_registry_ops;
hr_event hr_anchor_event;
hr_sample hr_anchor_sample;
hr_metric hr_anchor_metric;
hr_sink_ops hr_anchor_sink_ops;
hr_conflict hr_anchor_conflict;
hr_decision hr_anchor_decision;
hr_strategy_ops hr_anchor_strategy_ops;
