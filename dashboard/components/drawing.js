// Puts a drawing in place. It comes from the server with every text escaped.
export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".drawing")
  if (root.drawn === data.svg) return
  root.innerHTML = data.svg
  root.drawn = data.svg
}
