/**
 * Expands a text of a container's specification as a kubelet does: `$(NAME)` to its value, where it
 * has one, and `$$` to `$`; see https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/
 */
export function expand(text: string, variables: Record<string, string>): string {
  return text.replace(/\$\$|\$\(([^)]*)\)/g, (whole, name?: string) =>
    name === undefined ? '$' : (variables[name] ?? whole),
  )
}
