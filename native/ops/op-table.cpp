#include "op-table.h"

namespace lvm {

// Every op, once. lib/spec/ops.ts lists the same names and kinds; test/spec/contract.test.ts compares the two.
const std::vector<Op>& ops() {
  static const std::vector<Op> table = {
    {"chain", {}, make_chain},
    {"residual", {{"dropout", "real"}}, make_residual},
    {"memory", {}, make_memory},
    {"product", {}, make_product},
    {"concat", {}, make_concat},
    {"predictor", {{"dim", "int"}, {"output", "text"}, {"residual", "text"}, {"inputScale", "text"}}, make_predictor},
    {"memoryInput", {{"memories", "int"}}, make_memory_input},
    {"memoryMixture", {{"dim", "int"}, {"memories", "int"}, {"width", "int"}}, make_memory_mixture},
    {"linear",
     {{"in", "int"}, {"out", "int"}, {"bias", "bool"}, {"transposed", "bool"}, {"init", "text"}, {"gain", "real"}},
     make_linear},
    {"layerNorm", {{"dim", "int"}, {"eps", "real"}}, make_layer_norm},
    {"rmsNorm", {{"dim", "int"}, {"eps", "real"}}, make_rms_norm},
    {"activation", {{"kind", "text"}}, make_activation},
    {"dropout", {{"rate", "real"}}, make_dropout},
    {"sinusoid", {{"dim", "int"}, {"layout", "text"}}, make_sinusoid},
    {"positions", {{"rows", "int"}, {"dim", "int"}, {"std", "real"}}, make_positions},
    {"conv", {{"channels", "int"}, {"kernel", "int"}}, make_conv},
    {"lstm", {{"in", "int"}, {"width", "int"}, {"layers", "int"}, {"dropout", "real"}}, make_lstm},
    {"gru", {{"in", "int"}, {"width", "int"}}, make_gru},
    {"attention", {{"dim", "int"}, {"heads", "int"}, {"cross", "bool"}, {"causal", "bool"}, {"dropout", "real"}}, make_attention},
    {"narrowAttention",
     {{"dim", "int"}, {"inner", "int"}, {"heads", "int"}, {"cross", "bool"}, {"causal", "bool"}, {"dropout", "real"}},
     make_narrow_attention},
    {"attend", {{"heads", "int"}, {"rotary", "text"}, {"turned", "int"}, {"dropout", "real"}}, make_attend},
    {"mamba2",
     {{"dim", "int"}, {"inner", "int"}, {"state", "int"}, {"headDim", "int"}, {"kernel", "int"}, {"gain", "real"}},
     make_mamba2},
    {"timeMixing", {{"dim", "int"}, {"layer", "int"}, {"layers", "int"}}, make_time_mixing},
    {"channelMixing", {{"dim", "int"}, {"hidden", "int"}, {"layer", "int"}, {"layers", "int"}}, make_channel_mixing},
    {"linformer", {{"heads", "int"}, {"rows", "int"}, {"slots", "int"}, {"dropout", "real"}}, make_linformer},
    {"retention", {{"dim", "int"}, {"value", "int"}, {"heads", "int"}, {"eps", "real"}}, make_retention},
    {"s4", {{"dim", "int"}, {"state", "int"}, {"copies", "int"}}, make_s4},
    {"s4d", {{"dim", "int"}, {"state", "int"}}, make_s4d},
    {"hyena",
     {{"dim", "int"},
      {"order", "int"},
      {"rows", "int"},
      {"width", "int"},
      {"bands", "int"},
      {"frequency", "real"},
      {"modulate", "bool"}},
     make_hyena},
    {"pointwise", {{"in", "int"}, {"out", "int"}}, make_pointwise},
    {"favor", {{"heads", "int"}, {"channels", "int"}, {"features", "int"}, {"causal", "bool"}}, make_favor},
    {"redraw", {{"every", "int"}}, make_redraw},
    {"flatten", {{"context", "int"}}, make_flatten},
    {"textModel", {{"dim", "int"}}, make_text_model},
    {"embedding", {{"entries", "int"}, {"dim", "int"}}, make_embedding},
    {"absolutePositions", {{"rows", "int"}, {"dim", "int"}, {"first", "count"}}, make_absolute_positions},
    {"tokenType", {{"types", "int"}, {"dim", "int"}}, make_token_type},
    {"relativeBias", {{"buckets", "int"}, {"distance", "int"}, {"causal", "bool"}}, make_relative_bias},
    {"textAttention", {{"heads", "int"}, {"scaled", "bool"}}, make_text_attention},
    {"pool", {{"kind", "text"}}, make_pool},
    {"unit", {}, make_unit},
  };
  return table;
}

const Op& find_op(const std::string& name) {
  for (const auto& op : ops()) {
    if (name == op.name) return op;
  }
  throw Error("BAD_SPEC",
              "spec: expected a known op but received \"" + name + "\"; this build of lvm-torch may be older than the spec");
}

}  // namespace lvm
