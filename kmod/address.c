// SPDX-License-Identifier: GPL-2.0-only
/*
 * A provider gives the router another address, or an uplink goes down: pinholes
 * at the old address lead nowhere, and a flow bound to them would keep sending
 * from it. What used the address goes; everything else goes on.
 */
#include <linux/inetdevice.h>
#include <linux/netdevice.h>
#include <net/addrconf.h>

#include "address.h"
#include "bind.h"
#include "binding.h"
#include "call.h"

#if IS_ENABLED(CONFIG_IPV6)
static bool has_inet6(const struct net_device *dev, const struct in6_addr *addr)
{
	const struct inet6_dev *idev = __in6_dev_get(dev);
	const struct inet6_ifaddr *ifa;

	if (idev)
		list_for_each_entry_rcu(ifa, &idev->addr_list, if_list)
			if (ipv6_addr_equal(&ifa->addr, addr))
				return true;
	return false;
}
#else
static bool has_inet6(const struct net_device *dev, const struct in6_addr *addr)
{
	return false;
}
#endif

static const struct net_device *holder(struct net *net, const struct cg_ep *ep)
{
	const struct net_device *dev;

	if (ep->family == NFPROTO_IPV4)
		return __ip_dev_find(net, ep->addr.ip, false);
	for_each_netdev_rcu(net, dev)
		if (has_inet6(dev, &ep->addr.in6))
			return dev;
	return NULL;
}

bool cg_address_elsewhere(struct net *net, const struct cg_ep *ep, const struct net_device *out)
{
	const struct net_device *at = holder(net, ep);

	return at && at != out && !(at->flags & IFF_LOOPBACK) && !netif_is_l3_master(out);
}

static bool uses(const struct cg_pin *pin, const struct cg_ep *gone)
{
	return cg_ep_same_addr(&pin->pub, gone) && !cg_ep_equal(&pin->in, &pin->pub);
}

static void leave_calls(struct cg_net *cn, const struct cg_ep *gone)
{
	struct cg_pin *pin, *next;
	struct cg_call *call;

	list_for_each_entry(call, &cn->call_list, all)
		list_for_each_entry_safe(pin, next, &call->pins, owner)
			if (uses(pin, gone))
				cg_pin_close(pin, true);
}

static void leave_bindings(struct cg_net *cn, const struct cg_ep *gone)
{
	struct cg_binding *b, *next;

	list_for_each_entry_safe(b, next, &cn->binding_list, all)
		if (uses(b->pin, gone))
			cg_binding_remove(b, CG_R_BIND_ADDRESS);
}

/* A phone that goes on sending would keep its old source for ever. */
static void cut_flows(struct cg_net *cn, const struct cg_ep *gone)
{
	struct cg_pin *pin;

	list_for_each_entry(pin, &cn->sig_list, owner)
		if (uses(pin, gone))
			cg_bind_cut(pin);
}

static void lost(struct net *net, const struct cg_ep *gone)
{
	struct cg_net *cn = cg_net_of(net);
	struct cg_pin *pin, *next;

	if (!READ_ONCE(cn->npins))
		return;
	rcu_read_lock();
	spin_lock_bh(&cn->lock);
	cut_flows(cn, gone);
	leave_calls(cn, gone);
	leave_bindings(cn, gone);
	list_for_each_entry_safe(pin, next, &cn->sig_list, owner)
		if (uses(pin, gone))
			cg_sig_drop(pin);
	spin_unlock_bh(&cn->lock);
	rcu_read_unlock();
}

static int inet_event(struct notifier_block *nb, unsigned long event, void *ptr)
{
	const struct in_ifaddr *ifa = ptr;
	struct cg_ep ep;

	if (event == NETDEV_DOWN) {
		cg_ep_make(&ep, NFPROTO_IPV4, 0, (const u8 *)&ifa->ifa_local, 0);
		lost(dev_net(ifa->ifa_dev->dev), &ep);
	}
	return NOTIFY_DONE;
}

static int inet6_event(struct notifier_block *nb, unsigned long event, void *ptr)
{
	const struct inet6_ifaddr *ifa = ptr;
	struct cg_ep ep;

	if (event == NETDEV_DOWN) {
		cg_ep_make(&ep, NFPROTO_IPV6, 0, (const u8 *)&ifa->addr, 0);
		lost(dev_net(ifa->idev->dev), &ep);
	}
	return NOTIFY_DONE;
}

#if IS_ENABLED(CONFIG_IPV6)
static void lost_inet6(const struct net_device *dev)
{
	const struct inet6_dev *idev;
	const struct inet6_ifaddr *ifa;
	struct cg_ep ep;

	rcu_read_lock();
	idev = __in6_dev_get(dev);
	if (idev)
		list_for_each_entry_rcu(ifa, &idev->addr_list, if_list) {
			cg_ep_make(&ep, NFPROTO_IPV6, 0, (const u8 *)&ifa->addr, 0);
			lost(dev_net(dev), &ep);
		}
	rcu_read_unlock();
}
#else
static void lost_inet6(const struct net_device *dev)
{
}
#endif

/*
 * An interface that is down may keep its addresses, so that neither of the above
 * tells; but what goes on goes by another. RTNL is held.
 */
static int device_event(struct notifier_block *nb, unsigned long event, void *ptr)
{
	const struct net_device *dev = netdev_notifier_info_to_dev(ptr);
	const struct in_device *in_dev = __in_dev_get_rtnl(dev);
	const struct in_ifaddr *ifa;
	struct cg_ep ep;

	/* a notifier that is taken away is told "down" of devices that are not */
	if (event != NETDEV_DOWN || dev->flags & IFF_UP)
		return NOTIFY_DONE;
	if (in_dev)
		in_dev_for_each_ifa_rtnl(ifa, in_dev) {
			cg_ep_make(&ep, NFPROTO_IPV4, 0, (const u8 *)&ifa->ifa_local, 0);
			lost(dev_net(dev), &ep);
		}
	lost_inet6(dev);
	return NOTIFY_DONE;
}

static struct notifier_block inet_notifier = { .notifier_call = inet_event };
static struct notifier_block inet6_notifier = { .notifier_call = inet6_event };
static struct notifier_block device_notifier = { .notifier_call = device_event };

int cg_address_init(void)
{
	int err = register_inetaddr_notifier(&inet_notifier);

	if (err)
		return err;
	err = register_netdevice_notifier(&device_notifier);
	if (err)
		goto no_device;
#if IS_ENABLED(CONFIG_IPV6)
	err = register_inet6addr_notifier(&inet6_notifier);
	if (err)
		goto no_inet6;
#endif
	return 0;
#if IS_ENABLED(CONFIG_IPV6)
no_inet6:
	unregister_netdevice_notifier(&device_notifier);
#endif
no_device:
	unregister_inetaddr_notifier(&inet_notifier);
	return err;
}

void cg_address_fini(void)
{
	unregister_netdevice_notifier(&device_notifier);
#if IS_ENABLED(CONFIG_IPV6)
	unregister_inet6addr_notifier(&inet6_notifier);
#endif
	unregister_inetaddr_notifier(&inet_notifier);
}
