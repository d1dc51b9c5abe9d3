#pragma once

#include <string>
#include <string_view>

namespace sd::job {

/// The text of a property of an XMP packet, of its first item if it is a list; "" if it has none.
/// Reads element and attribute form and leaves damage be: what it does not know it does not return.
std::string xmp_property(std::string_view packet, std::string_view name);

}  // namespace sd::job
