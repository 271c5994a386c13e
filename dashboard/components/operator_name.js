// Remembers the operator's name in this browser: told once when the page is new, kept from then on.
const KEY = "pmt-operator"
const TOLD = new WeakSet()

export default function ({ data, parentElement, setStateValue }) {
  if (TOLD.has(parentElement)) {
    localStorage.setItem(KEY, data.name)
    return
  }
  TOLD.add(parentElement)
  const name = localStorage.getItem(KEY)
  if (name && !data.name) setStateValue("name", name)
}
