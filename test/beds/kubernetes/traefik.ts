import { PORTS } from './settings.ts'

/** The gateway of the bed, as an operator of a cluster would have made it. */
export function gatewayObjects(): { path: string; object: object }[] {
  return [
    {
      path: '/apis/gateway.networking.k8s.io/v1/gatewayclasses',
      object: {
        apiVersion: 'gateway.networking.k8s.io/v1',
        kind: 'GatewayClass',
        metadata: { name: 'traefik' },
        spec: { controllerName: 'traefik.io/gateway-controller' },
      },
    },
    {
      path: '/apis/gateway.networking.k8s.io/v1/namespaces/default/gateways',
      object: {
        apiVersion: 'gateway.networking.k8s.io/v1',
        kind: 'Gateway',
        metadata: { name: 'gateway', namespace: 'default' },
        spec: {
          gatewayClassName: 'traefik',
          listeners: [
            {
              name: 'web',
              protocol: 'HTTP',
              port: PORTS.gateway,
              allowedRoutes: { namespaces: { from: 'All' } },
            },
          ],
        },
      },
    },
  ]
}
