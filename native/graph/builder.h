#pragma once
#include "layer.h"

#include <functional>
#include <limits>
#include <optional>
#include <set>

namespace lvm {

struct Placement {
  torch::Dtype dtype = torch::kFloat32;
  torch::Device device = torch::kCPU;
};

// How the optimizer treats a parameter.
struct Traits {
  bool decay = true;                                        // weight decay applies
  double lr_cap = std::numeric_limits<double>::infinity();  // upper bound of its learning rate
  double lr_scale = 1;                                      // factor of its learning rate, below that bound
};

struct Parameter {
  std::string name;
  Tensor value;
  bool trainable;  // false: a buffer, saved and loaded but not trained
  Traits traits;
  Weight matrix = nullptr;  // set for matrices that inputs are multiplied with
};

using Init = std::function<void(Tensor&, at::Generator)>;
Init uniform(double bound);
Init normal(double std);
Init constant(double value);
Init xavier(double gain);  // uniform, for a matrix [out, in]
Init orthogonal(double gain);

// Finds an op by its name.
// Errors: BAD_SPEC
using FindOp = const Op& (*)(const std::string& name);

// Walks a spec and builds its layers; owns the list of parameters that layers and model share.
class Builder {
 public:
  // Without a seed all parameters are zero, for weights that are loaded afterwards. Matrices named in `later` stay undefined
  // until they are packed.
  Builder(FindOp find_op, Placement placement, std::optional<uint64_t> seed, std::set<std::string> later = {});

  Made build(const Node& node);
  std::vector<Made> build_all(const std::vector<Node>& nodes);
  Tensor parameter(const std::string& name, at::IntArrayRef shape, const Init& init, Traits traits = {});
  // A matrix that inputs are multiplied with. multiply_split divides it after `first` rows.
  Weight matrix(const std::string& name, at::IntArrayRef shape, const Init& init, Layout layout = Layout::rows,
                int64_t first = 0);
  Tensor buffer(const std::string& name, const Tensor& value);
  Tensor buffer(const std::string& name, at::IntArrayRef shape, const Init& init);
  size_t slot() { return slots++; }  // index in State::slots

  std::vector<Parameter> parameters;
  size_t slots = 0;

 private:
  Tensor drawn(at::IntArrayRef shape, const Init& init);
  std::string full(const std::string& name) const { return prefix.empty() ? name : prefix + "." + name; }
  Tensor add(const std::string& name, at::IntArrayRef shape, bool trainable, Traits traits, const std::function<Tensor()>& make);

  FindOp find_op;
  Placement placement;
  std::optional<at::Generator> generator;
  std::set<std::string> later;
  std::string prefix;
  bool tied = false;
};

}  // namespace lvm
