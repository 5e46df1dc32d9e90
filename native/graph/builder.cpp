#include "builder.h"

#include <ATen/CPUGeneratorImpl.h>

namespace lvm {

Init uniform(double bound) {
  return [=](Tensor& t, at::Generator g) { t.uniform_(-bound, bound, g); };
}
Init normal(double std) {
  return [=](Tensor& t, at::Generator g) { t.normal_(0, std, g); };
}
Init constant(double value) {
  return [=](Tensor& t, at::Generator) { t.fill_(value); };
}
Init xavier(double gain) {
  return [=](Tensor& t, at::Generator g) {
    const auto bound = gain * std::sqrt(6.0 / double(t.size(0) + t.size(1)));
    t.uniform_(-bound, bound, g);
  };
}
Init orthogonal(double gain) {
  return [=](Tensor& t, at::Generator g) {
    const auto rows = t.size(0), columns = t.size(1);
    const auto draw = torch::empty({std::max(rows, columns), std::min(rows, columns)}).normal_(0, 1, g);
    const auto [q, r] = torch::linalg_qr(draw);
    const auto turned = q * r.diagonal().sign();  // without the signs the distribution is not uniform
    t.copy_((rows < columns ? turned.t() : turned) * gain);
  };
}

Builder::Builder(FindOp find_op, Placement placement, std::optional<uint64_t> seed, std::set<std::string> later)
    : find_op(find_op), placement(placement), later(std::move(later)) {
  if (seed) generator = at::detail::createCPUGenerator(*seed ^ (*seed >> 32));
}

Made Builder::build(const Node& node) {
  const auto outer = prefix;
  const auto outer_tied = tied;
  if (!node.name.empty()) prefix = outer.empty() ? node.name : outer + "." + node.name;
  tied = outer_tied || node.tied;
  auto layer = find_op(node.op).make(node, *this);
  if (!node.name.empty()) layer->name = prefix;
  prefix = outer;
  tied = outer_tied;
  return layer;
}

std::vector<Made> Builder::build_all(const std::vector<Node>& nodes) {
  std::vector<Made> layers;
  for (const auto& node : nodes) layers.push_back(build(node));
  return layers;
}

Tensor Builder::parameter(const std::string& name, at::IntArrayRef shape, const Init& init, Traits traits) {
  return add(name, shape, true, traits, [&] { return drawn(shape, init); });
}

Weight Builder::matrix(const std::string& name, at::IntArrayRef shape, const Init& init, Layout layout, int64_t first) {
  for (const auto& other : parameters)
    if (tied && other.name == full(name) && other.matrix && other.matrix->shape == shape.vec()) return other.matrix;
  auto weight = std::make_shared<Matrix>(Matrix{{}, shape.vec(), layout, first, {}});
  if (later.count(full(name)) == 0) weight->value = add(name, shape, true, {}, [&] { return drawn(shape, init); });
  else parameters.push_back({full(name), {}, true, {}});
  parameters.back().matrix = weight;
  return weight;
}

Tensor Builder::buffer(const std::string& name, at::IntArrayRef shape, const Init& init) {
  return add(name, shape, false, {}, [&] { return drawn(shape, init); });
}

Tensor Builder::drawn(at::IntArrayRef shape, const Init& init) {
  auto value = torch::zeros(shape);
  if (generator) init(value, *generator);
  return value;
}

Tensor Builder::buffer(const std::string& name, const Tensor& value) {
  return add(name, value.sizes(), false, {}, [&] { return value; });
}

Tensor Builder::add(const std::string& name, at::IntArrayRef shape, bool trainable, Traits traits,
                    const std::function<Tensor()>& make) {
  const auto whole = full(name);
  for (const auto& other : parameters) {
    if (other.name != whole) continue;
    if (tied && other.value.sizes() == shape) return other.value;
    throw Error("BAD_SPEC", "spec: expected every parameter name once but \"" + whole + "\" repeats" +
                              (tied ? " with another shape" : "; mark the node as tied to share it"));
  }
  auto value = make();
  value = value.to(placement.device,
                   value.is_floating_point() ? placement.dtype : value.scalar_type());  // integer buffers keep their dtype
  if (trainable) value.set_requires_grad(true);
  parameters.push_back({whole, value, trainable, traits});
  return value;
}

}  // namespace lvm
