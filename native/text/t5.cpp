#include "t5.h"

#include "../error.h"
#include "../kernels/multiply.h"
#include "../kernels/root-mean-square.h"

#include <cmath>
#include <limits>

namespace lvm {
namespace {

using Weights = std::map<std::string, Tensor>;

bool has(const Weights& weights, const std::string& name) { return weights.count(name) > 0; }

// A size of −1 may be any.
Tensor named(const Weights& weights, const std::string& name, std::vector<int64_t> shape) {
  const auto it = weights.find(name);
  if (it == weights.end()) throw Error("BAD_CHECKPOINT", "t5: expected a tensor \"" + name + "\" but there is none");
  const auto& value = it->second;
  auto fits = value.dim() == int64_t(shape.size()) && value.scalar_type() == torch::kFloat32 && value.is_cpu();
  for (size_t i = 0; fits && i < shape.size(); ++i) fits = shape[i] < 0 || value.size(int64_t(i)) == shape[i];
  if (!fits) throw Error("BAD_CHECKPOINT", "t5: \"" + name + "\" has another shape or dtype than the other weights require");
  return value.contiguous();
}

Weight matrix(const Weights& weights, const std::string& name, std::vector<int64_t> shape) {
  const auto value = named(weights, name, std::move(shape));
  return std::make_shared<Matrix>(Matrix{value, value.sizes().vec(), Layout::rows, 0, {}});
}

T5Attention attention(const Weights& weights, const std::string& name, int64_t width, int64_t heads) {
  const auto q = matrix(weights, name + ".q.weight", {-1, width});
  const auto inner = q->shape[0];
  if (inner % heads != 0) throw Error("BAD_CHECKPOINT", "t5: the heads do not divide the rows of \"" + name + ".q.weight\"");
  return {q, matrix(weights, name + ".k.weight", {inner, width}), matrix(weights, name + ".v.weight", {inner, width}),
          matrix(weights, name + ".o.weight", {width, inner}), heads};
}

void feed_forward(const Weights& weights, const std::string& name, int64_t width, T5Block& block) {
  block.wide_norm = named(weights, name + ".layer_norm.weight", {width});
  const auto inner = name + ".DenseReluDense.";
  const auto gated = has(weights, inner + "wi_0.weight");
  block.wide = matrix(weights, inner + (gated ? "wi_0.weight" : "wi.weight"), {-1, width});
  const auto hidden = block.wide->shape[0];
  if (gated) block.gate = matrix(weights, inner + "wi_1.weight", {hidden, width});
  block.narrow = matrix(weights, inner + "wo.weight", {width, hidden});
}

// [batch, time, heads · e] -> [batch, heads, time, e]
Tensor by_head(const Tensor& x, const T5Attention& a) { return x.unflatten(-1, {a.heads, -1}).transpose(1, 2); }

// Shapes: q [batch, heads, n, e], k and v [batch, heads, m, e], bias [1 or batch, 1 or heads, 1 or n, m] -> [batch, n, heads · e]
Tensor attend(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& bias) {
  const auto scores = torch::matmul(q, k.transpose(-1, -2)) + bias;
  return torch::matmul(scores.softmax(-1), v).transpose(1, 2).flatten(2);
}

Tensor feed(const Tensor& x, const T5Block& block) {
  auto wide = multiply(x, *block.wide, {});
  wide = block.gate ? at::gelu(wide, "tanh") * multiply(x, *block.gate, {}) : wide.relu_();
  return multiply(wide, *block.narrow, {});
}

// Half of the buckets hold one distance each; the others grow with the logarithm of the distance.
Tensor buckets_of(Tensor distance, int64_t buckets, int64_t max_distance, bool both_ways) {
  auto bucket = torch::zeros_like(distance);
  if (both_ways) {
    buckets /= 2;
    bucket = (distance > 0).to(torch::kLong) * buckets;
    distance = distance.abs();
  } else {
    distance = -distance.clamp_max(0);
  }
  const auto exact = buckets / 2;
  const auto growth = std::log(double(max_distance) / double(exact));
  const auto far = exact + ((distance.to(torch::kFloat32) / exact).log() / growth * (buckets - exact)).to(torch::kLong);
  return bucket + torch::where(distance < exact, distance, far.clamp_max(buckets - 1));
}

// 0 where the mask is 1, else a number that leaves no weight after softmax.
Tensor hidden_of(const Tensor& mask) {
  return (mask == 0).to(torch::kFloat32).mul_(std::numeric_limits<float>::lowest()).unsqueeze(1).unsqueeze(1);
}

void check(const Tensor& x, const Tensor& mask, int64_t width) {
  if (x.dim() != 3 || x.size(2) != width || x.numel() == 0 || x.scalar_type() != torch::kFloat32 || mask.dim() != 2 ||
      mask.size(0) != x.size(0) || mask.size(1) != x.size(1))
    throw Error("BAD_ARGUMENT",
                "t5: expected float32 inputs [batch, time, " + std::to_string(width) + "] and a mask [batch, time]");
}

}  // namespace

void T5Decoding::keep_rows(const Tensor& rows) {
  for (auto& layer : layers) layer.keys = layer.keys.index_select(0, rows), layer.values = layer.values.index_select(0, rows);
}
void T5Decoding::keep_sources(const Tensor& sources) {
  hidden = hidden.index_select(0, sources);
  for (auto& layer : layers) {
    layer.source_keys = layer.source_keys.index_select(0, sources);
    layer.source_values = layer.source_values.index_select(0, sources);
  }
}

T5::T5(const T5Settings& settings, const Weights& weights) : settings(settings) {
  embedding = named(weights, "shared.weight", {-1, -1});
  width = embedding.size(1);
  encoder = stack(weights, "encoder", false);
  if (has(weights, "decoder.final_layer_norm.weight")) decoder = stack(weights, "decoder", true);
  const auto own = has(weights, "lm_head.weight") ? "lm_head.weight" : "shared.weight";
  head = matrix(weights, own, {embedding.size(0), width});
  for (const auto& [name, value] : weights) held += int64_t(value.nbytes());
}

T5Stack T5::stack(const Weights& weights, const std::string& name, bool cross) {
  T5Stack made;
  made.norm = named(weights, name + ".final_layer_norm.weight", {width});
  made.bias = named(weights, name + ".block.0.layer.0.SelfAttention.relative_attention_bias.weight", {-1, -1});
  const auto heads = made.bias.size(1);
  for (int64_t i = 0; has(weights, name + ".block." + std::to_string(i) + ".layer.0.layer_norm.weight"); ++i) {
    const auto layer = name + ".block." + std::to_string(i) + ".layer.";
    T5Block block;
    block.norm = named(weights, layer + "0.layer_norm.weight", {width});
    block.attention = attention(weights, layer + "0.SelfAttention", width, heads);
    if (cross) block.cross_norm = named(weights, layer + "1.layer_norm.weight", {width});
    if (cross) block.cross = attention(weights, layer + "1.EncDecAttention", width, heads);
    feed_forward(weights, layer + (cross ? "2" : "1"), width, block);
    made.blocks.push_back(std::move(block));
  }
  return made;
}

Tensor T5::bias(const T5Stack& stack, int64_t first, int64_t queries, int64_t keys, bool both_ways) const {
  const auto distance = torch::arange(keys).unsqueeze(0) - torch::arange(first, first + queries).unsqueeze(1);
  const auto bucket = buckets_of(distance, stack.bias.size(0), settings.max_distance, both_ways);
  return torch::embedding(stack.bias, bucket).permute({2, 0, 1}).unsqueeze(0);  // [1, heads, queries, keys]
}

Tensor T5::encode(const Tensor& x, const Tensor& mask) const {
  const torch::InferenceMode inference;
  check(x, mask, width);
  const auto scores = bias(encoder, 0, x.size(1), x.size(1), true) + hidden_of(mask);
  auto h = x;
  for (const auto& block : encoder.blocks) {
    const auto a = rms_norm(h, block.norm, settings.eps);
    const auto& w = block.attention;
    const auto q = by_head(multiply(a, *w.q, {}), w), k = by_head(multiply(a, *w.k, {}), w),
               v = by_head(multiply(a, *w.v, {}), w);
    h = h + multiply(attend(q, k, v, scores), *w.o, {});
    h = h + feed(rms_norm(h, block.wide_norm, settings.eps), block);
  }
  return rms_norm(h, encoder.norm, settings.eps);
}

T5Decoding T5::begin(const Tensor& encoded, const Tensor& mask) const {
  const torch::InferenceMode inference;
  check(encoded, mask, width);
  if (decoder.blocks.empty()) throw Error("BAD_ARGUMENT", "t5: expected a model with a decoder but it has only an encoder");
  T5Decoding decoding;
  decoding.hidden = hidden_of(mask);
  for (const auto& block : decoder.blocks) {
    const auto& w = block.cross;
    decoding.layers.push_back({{}, {}, by_head(multiply(encoded, *w.k, {}), w), by_head(multiply(encoded, *w.v, {}), w)});
  }
  return decoding;
}

Tensor T5::step(const Tensor& ids, T5Decoding& decoding) const {
  const torch::InferenceMode inference;
  const auto rows = ids.size(0), sources = decoding.hidden.size(0);
  const auto scores = bias(decoder, decoding.position, 1, decoding.position + 1, false);
  auto h = torch::embedding(embedding, ids).unsqueeze(1);
  for (size_t i = 0; i < decoder.blocks.size(); ++i) {
    const auto& block = decoder.blocks[i];
    auto& layer = decoding.layers[i];
    auto a = rms_norm(h, block.norm, settings.eps);
    const auto& own = block.attention;
    const auto k = by_head(multiply(a, *own.k, {}), own), v = by_head(multiply(a, *own.v, {}), own);
    layer.keys = layer.keys.defined() ? torch::cat({layer.keys, k}, 2) : k;
    layer.values = layer.values.defined() ? torch::cat({layer.values, v}, 2) : v;
    h = h + multiply(attend(by_head(multiply(a, *own.q, {}), own), layer.keys, layer.values, scores), *own.o, {});
    a = rms_norm(h, block.cross_norm, settings.eps);
    // The beams of a source are the queries of its one set of keys.
    const auto q = by_head(multiply(a, *block.cross.q, {}).view({sources, rows / sources, -1}), block.cross);
    const auto seen = attend(q, layer.source_keys, layer.source_values, decoding.hidden);
    h = h + multiply(seen.reshape({rows, 1, -1}), *block.cross.o, {});
    h = h + feed(rms_norm(h, block.wide_norm, settings.eps), block);
  }
  decoding.position += 1;
  return multiply(rms_norm(h, decoder.norm, settings.eps).squeeze(1) * settings.logit_scale, *head, {});
}

}  // namespace lvm
