"""Which words are cut off where they stand, as the browser draws them."""

from __future__ import annotations

from typing import Final

CUT_OFF: Final = """
    all => all.filter((cell) => {
      const style = getComputedStyle(cell);
      const [border, padding] = [style.borderRightWidth, style.paddingRight].map(parseFloat);
      const limit = cell.getBoundingClientRect().right - border - padding;
      const walker = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
      while (walker.nextNode()) {
        const range = document.createRange();
        range.selectNodeContents(walker.currentNode);
        const isSeen = walker.currentNode.parentElement.clientWidth !== 1;
        if (isSeen && range.getBoundingClientRect().right > limit + 0.01) return true;
      }
      return cell.scrollWidth > cell.clientWidth;
    }).map((cell) => cell.textContent)
"""
"""To be evaluated for all cells that are meant: the texts of those that have no room for theirs. In
fractions of a pixel, which `scrollWidth` has not: three tenths too many are an ellipsis, too."""
