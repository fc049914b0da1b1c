// On a phone a figure is as wide as the screen: a tap on it, or the button below it, shows it as large as it was drawn, in
// a dialog that scrolls. Explorers move, and stay where they are; on wide screens there are no buttons (nndl.css).
(function () {
  const dialog = document.createElement("dialog");
  dialog.className = "enlarged cell_output"; // the second: dark pages turn its colors as the figure's
  dialog.setAttribute("aria-label", "Figure");
  dialog.innerHTML = '<form method="dialog"><button>Close</button></form><div tabindex="0"></div>';
  const close = dialog.querySelector("button"), room = dialog.querySelector("div");
  dialog.addEventListener("close", () => room.replaceChildren());

  function enlarge(image, event) {
    const large = new Image(image.getAttribute("width"), image.getAttribute("height"));
    large.src = image.src;
    large.alt = image.alt;
    room.replaceChildren(large);
    if (!dialog.isConnected) document.body.append(dialog);
    dialog.showModal();
    close.focus();
    // What was tapped is in the middle; without a tap, the beginning.
    const box = image.getBoundingClientRect(), share = (at, start, size) => Math.max(0, (at - start) / size);
    room.scrollLeft = share(event.clientX, box.left, box.width) * large.offsetWidth - room.clientWidth / 2;
    room.scrollTop = share(event.clientY, box.top, box.height) * large.offsetHeight - room.clientHeight / 2;
  }

  for (const picture of document.querySelectorAll(".picture")) {
    if (picture.closest(".nndl-explorer")) continue;
    const image = picture.querySelector("img"), button = document.createElement("button");
    button.type = "button";
    button.className = "enlarge";
    button.textContent = "Enlarge";
    button.setAttribute("aria-label", `Enlarge figure: ${image.alt}`);
    button.addEventListener("click", (event) => enlarge(image, event));
    image.addEventListener("click", function (event) {
      if (!button.checkVisibility()) return;
      button.focus({ preventScroll: true }); // where the dialog gives the focus back to
      enlarge(image, event);
    });
    picture.after(button);
  }
})();
