#include "predictor-model.h"
#include "../recycling.h"

#include "../kernels/packed-weights.h"
#include "../ops/op-table.h"

namespace lvm {
namespace {

const Node& root_of(const Node& spec) {
  if (spec.op != "predictor" && spec.op != "textModel")
    throw Error("BAD_SPEC", "spec: expected a predictor or a textModel at the root but received \"" + spec.op + "\"");
  return spec;
}

std::string shape_text(at::IntArrayRef sizes) {
  std::ostringstream text;
  text << sizes;
  return text.str();
}

// Whether a position of any part sees later ones.
bool looks_ahead(const Node& node) {
  const auto causal = node.params.find("causal");
  return node.op == "linformer" || node.op == "flatten" || (causal != node.params.end() && !std::get<bool>(causal->second)) ||
         std::any_of(node.of.begin(), node.of.end(), looks_ahead);
}

// redraw counts its passes on the host; s4 and s4d compute the responses of long contexts there.
std::string host_op_of(const Node& node) {
  if (node.op == "redraw" || node.op == "s4" || node.op == "s4d") return node.op;
  for (const auto& part : node.of)
    if (const auto found = host_op_of(part); !found.empty()) return found;
  return {};
}

// Norms of bfloat16 vectors are computed in float32.
Tensor single(const Tensor& x) { return x.scalar_type() == torch::kBFloat16 ? x.to(torch::kFloat32) : x; }

}  // namespace

Tensor normalised(const Tensor& raw) { return raw / raw.norm(2, -1, true).clamp_min(1e-12); }

Model::Model(const Node& spec, Placement placement, std::optional<uint64_t> seed, std::set<std::string> later)
    : dim(root_of(spec).integer("dim")),
      reads_texts(spec.op == "textModel"),
      unit(!reads_texts && spec.text("output") == "unit"),
      causal(!looks_ahead(spec)),
      host_op(host_op_of(spec)),
      placement(placement) {
  torch::NoGradGuard no_grad;
  Builder builder(find_op, placement, seed, std::move(later));
  root = builder.build(spec);
  list = std::move(builder.parameters);
  slots = builder.slots;
}

Tensor Model::forward(const Tensor& x, Pass& pass) { return (*root)(x, pass); }

Tensor Model::outputs(const Reading& reading, const Tensor& x, Pass& pass) {
  const std::shared_lock lock(forms);
  pass.last_only = !reading.context.defined();
  if (pass.last_only) return forward(x, pass).squeeze(1);
  const Places places{reading.context.to(x.device()), reading.position.to(x.device())};
  pass.places = &places;
  return forward(x, pass).squeeze(1);
}

Tensor Model::checked(const Tensor& x) const {
  if (reads_texts) throw Error("BAD_ARGUMENT", "predict: expected a predictor but received a model of texts");
  if (x.dim() != 3 || x.size(2) != dim || x.size(1) < 1 || !x.is_floating_point()) {
    throw Error("BAD_ARGUMENT", "predict: expected floating-point vectors of shape [batch, context, " + std::to_string(dim) +
                                  "] but received " + shape_text(x.sizes()) + " of " + c10::toString(x.scalar_type()));
  }
  if (!x.isfinite().all().item<bool>())
    throw Error("DATA_NOT_FINITE", "predict: expected finite vectors but received NaN or Inf");
  return x.to(placement.device, placement.dtype);
}

Tensor Model::predict(const Tensor& x, bool all, bool raw) {
  torch::InferenceMode inference;
  const std::shared_lock lock(forms);
  Pass pass;
  pass.last_only = !all;
  auto y = single(forward(checked(x), pass));
  if (!raw) y = normalised(y);
  return all ? y : y.squeeze(1);
}

State Model::fresh_state() const { return {std::vector<std::vector<Tensor>>(slots), 0}; }

Tensor Model::step(const Tensor& x, State& state, bool raw) {
  torch::InferenceMode inference;
  const std::shared_lock lock(forms);
  Pass pass;
  pass.last_only = true;
  pass.state = &state;
  auto y = single(forward(checked(x.dim() == 2 ? x.unsqueeze(1) : x), pass)).squeeze(1);
  state.position += 1;
  return raw ? y : normalised(y);
}

void Model::load(const std::map<std::string, Tensor>& values) {
  thaw();
  torch::NoGradGuard no_grad;
  for (const auto& p : list) {
    if (!p.value.defined()) continue;
    const auto it = values.find(p.name);
    if (it == values.end()) throw Error("BAD_CHECKPOINT", "weights: expected a tensor \"" + p.name + "\" but there is none");
    if (it->second.sizes() != p.value.sizes()) {
      throw Error("BAD_CHECKPOINT", "weights: expected shape " + shape_text(p.value.sizes()) + " for \"" + p.name +
                                      "\" but received " + shape_text(it->second.sizes()));
    }
  }
  for (const auto& [name, value] : values) {
    const auto known = std::any_of(list.begin(), list.end(), [&](const Parameter& p) { return p.name == name; });
    if (!known) throw Error("BAD_CHECKPOINT", "weights: expected only this model's tensors but received \"" + name + "\"");
  }
  for (auto& p : list)
    if (p.value.defined()) p.value.copy_(values.at(p.name));
}

Matrix& Model::matrix_of(const std::string& name) {
  const auto it = std::find_if(list.begin(), list.end(), [&](const Parameter& p) { return p.name == name; });
  if (it == list.end() || !it->matrix)
    throw Error("BAD_CHECKPOINT", "weights: expected a matrix that is to be packed but received \"" + name + "\"");
  return *it->matrix;
}

bool Model::pack(const std::string& name, const std::string& kernel, const Tensor& values, const Tensor& scales) {
  thaw();
  auto& matrix = matrix_of(name);
  const auto across = matrix.layout == Layout::columns ? 1 : 0, out = int(matrix.shape[across]),
             in = int(matrix.shape[1 - across]);
  auto packed = packed_parts(kernel, values, scales, out, in, matrix.first);
  if (packed.empty()) return false;
  matrix.packed = std::move(packed);
  matrix.value = Tensor();
  for (auto& p : list)
    if (p.matrix.get() == &matrix) p.value = Tensor();
  packed_bytes += int64_t(values.nbytes() + (scales.defined() ? scales.nbytes() : 0));
  return true;
}

bool Model::freeze(const std::set<std::string>& names) {
  torch::NoGradGuard no_grad;
  for (const auto& name : names) matrix_of(name);
  const std::unique_lock lock(forms);
  for (size_t i = 0; i < list.size(); ++i) {
    auto& p = list[i];
    if (names.count(p.name) == 0 || !p.value.defined() || p.value.scalar_type() != torch::kFloat32 || !p.value.is_cpu()) continue;
    const auto values = p.matrix->matrix().detach();
    auto parts = packed_parts("panels", values, {}, values.size(0), values.size(1), p.matrix->first);
    if (parts.empty()) continue;
    p.matrix->packed = std::move(parts);
    packed_bytes += int64_t(p.value.nbytes());
    p.value = p.matrix->value = Tensor();  // at once, so that only one matrix is in memory twice
    frozen.push_back(i);
  }
  give_back_free_memory();
  return !frozen.empty();
}

void Model::thaw() {
  torch::NoGradGuard no_grad;
  const std::unique_lock lock(forms);
  for (const auto i : frozen) {
    auto& [name, value, trainable, traits, matrix] = list[i];
    std::vector<Tensor> parts;
    for (const auto& part : matrix->packed) parts.push_back(part->matrix());
    const auto whole = parts.size() == 1 ? parts.front() : torch::cat(parts);
    value = (matrix->layout == Layout::columns ? whole.t() : whole).reshape(matrix->shape).contiguous();
    if (trainable) value.set_requires_grad(true);
    matrix->value = value;
    matrix->packed.clear();
    packed_bytes -= int64_t(value.nbytes());
  }
  frozen.clear();
}

bool Model::round_to_bf16() {
  thaw();
  torch::InferenceMode inference;
  std::vector<std::vector<std::shared_ptr<const Packed>>> all;
  for (const auto& p : list) {
    if (!p.matrix || !p.value.defined()) continue;
    const auto values = p.matrix->matrix().to(torch::kBFloat16).contiguous();
    all.push_back(packed_parts("bf16", values, {}, values.size(0), values.size(1), p.matrix->first));
    if (all.back().empty()) return false;
    packed_bytes += int64_t(values.nbytes());
  }
  auto next = all.begin();
  for (auto& p : list) {
    if (!p.matrix || !p.value.defined()) continue;
    p.matrix->packed = std::move(*next++);
    p.value = p.matrix->value = Tensor();
  }
  return true;
}

int64_t Model::bytes() const {
  int64_t total = packed_bytes;
  for (const auto& p : list)
    if (p.value.defined()) total += int64_t(p.value.nbytes());
  return total;
}

}  // namespace lvm
