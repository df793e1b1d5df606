// SPDX-License-Identifier: GPL-3.0-or-later
#include "stub-guest.h"

struct fake_stub stub;
struct gg_guest *guest;

void stub_guest_boot(const struct fake_kernel *kernel, uint64_t variables)
{
	fake_stub_init(&stub, kernel->tables);
	fake_kernel_write(stub.ram, kernel);
	fake_stub_write_variables(&stub, kernel, variables);
}

void stub_guest_create(void)
{
	gg_guest_destroy(guest);
	guest = NULL;
	assert_success(gg_guest_create(&stub.host, &stub.target, &guest));
}

int stub_guest_end(void **state)
{
	(void)state;
	gg_guest_destroy(guest);
	guest = NULL;
	fake_stub_deinit(&stub);
	stub = (struct fake_stub){ 0 };
	return 0;
}
